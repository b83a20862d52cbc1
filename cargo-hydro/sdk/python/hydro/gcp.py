"""Machines of Google Cloud."""

from typing import TYPE_CHECKING

from ._machine import Machine

if TYPE_CHECKING:
    from ._deployment import Deployment

__all__ = ["GCPMachine"]


class GCPMachine(Machine):
    """A virtual machine of Google Cloud: `GCPMachine(deployment, project=…, zone=…, type=…)`, or `deployment.GCPMachine(…)`."""

    def __init__(self, deployment: "Deployment", project: str, zone: str, type: str) -> None:
        super().__init__(deployment, "gcp", project=project, zone=zone, type=type)
