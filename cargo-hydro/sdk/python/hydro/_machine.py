"""Machines: where services run."""

from typing import TYPE_CHECKING, Any, Optional

from . import _engine

if TYPE_CHECKING:
    from ._deployment import Deployment


class Machine:
    """A place where services run."""

    def __init__(self, deployment: "Deployment", kind: str, **params: Any) -> None:
        made = _engine.call("machine.add", deployment=deployment._id, kind=kind, origin=_engine.caller(), **params)
        self._deployment = deployment._id
        self._name: str = made["name"]

    @property
    def name(self) -> str:
        """Its name in the deployment."""
        return self._name

    async def terminate(self) -> None:
        """Stops all services on the machine and gives it up."""
        await _engine.call_async("machine.terminate", deployment=self._deployment, machine=self._name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class Localhost(Machine):
    """This machine: `Localhost(deployment)`, or `deployment.Localhost()`."""

    def __init__(self, deployment: "Deployment", closed: bool = False) -> None:
        super().__init__(deployment, "localhost", closed=closed)


class SSHMachine(Machine):
    """A machine that is reached by ssh: `SSHMachine(deployment, "host")`, or `deployment.SSHMachine("host")`.

    What is left out is as ssh itself has it (`~/.ssh/config`, the agent's keys), and programs are built for what the machine is.
    """

    def __init__(
        self,
        deployment: "Deployment",
        host: str,
        user: Optional[str] = None,
        port: Optional[int] = None,
        key: Optional[str] = None,
        known_hosts: Optional[str] = None,
        target: Optional[str] = None,
        libc: Optional[str] = None,
        builder: Optional[str] = None,
        services: Optional[str] = None,
        closed: bool = False,
    ) -> None:
        files = {"key": key, "known_hosts": known_hosts}
        wishes = {"target": target, "libc": libc, "builder": builder, "services": services}
        super().__init__(deployment, "ssh", host=host, user=user, port=port, closed=closed, **files, **wishes)
