"""Machines: where services run."""

from typing import Any

from . import _engine


class Machine:
    """A place where services run. Made by a deployment: `deployment.Localhost()`."""

    def __init__(self, deployment: int, kind: str, **params: Any) -> None:
        made = _engine.call("machine.add", deployment=deployment, kind=kind, origin=_engine.caller(), **params)
        self._deployment = deployment
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
