"""Machines of Google Cloud."""

from ._machine import Machine

__all__ = ["GCPMachine"]


class GCPMachine(Machine):
    """A virtual machine of Google Cloud. Made by a deployment: `deployment.GCPMachine(project=…, zone=…, type=…)`."""

    def __init__(self, deployment: int, project: str, zone: str, type: str) -> None:
        super().__init__(deployment, "gcp", project=project, zone=zone, type=type)
