"""Machines of Google Cloud."""

from typing import TYPE_CHECKING, Optional

from ._machine import Machine

if TYPE_CHECKING:
    from ._deployment import Deployment

__all__ = ["GCPMachine"]


class GCPMachine(Machine):
    """A virtual machine of Google Cloud: `GCPMachine(deployment, project=…, zone=…, type=…)`, or `deployment.GCPMachine(…)`.

    It is made when services on it are deployed, and deleted by `terminate()` or with the deployment. `image`: `debian-12`, `PROJECT/FAMILY` or
    `projects/…`. `disk`: its size in GB. `spot`: cheap, and may be taken away. `network`: `NETWORK` or `NETWORK/SUBNETWORK`. `ttl` (`"8h"`): Google
    deletes it then. `autostop` (`"30m"`): it stops when nobody was connected for so long. `address`: `"external"`, or `"internal"` where the script
    runs within its network.
    """

    def __init__(
        self,
        deployment: "Deployment",
        project: str,
        zone: str,
        type: str,
        image: Optional[str] = None,
        disk: Optional[int] = None,
        spot: bool = False,
        network: Optional[str] = None,
        ttl: Optional[str] = None,
        autostop: Optional[str] = None,
        address: Optional[str] = None,
    ) -> None:
        options = {"image": image, "disk": disk, "network": network, "ttl": ttl, "autostop": autostop, "address": address}
        super().__init__(deployment, "gcp", project=project, zone=zone, type=type, spot=spot, **options)
