"""Deployments: machines, services and links under one name."""

import os
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type, Union

from . import _engine
from ._machine import Machine
from ._service import Member, Service
from .gcp import GCPMachine

Text = Union[str, "os.PathLike[str]"]


class Deployment:
    """Machines, services and links under one name.

    Describe it, then `await deployment.deploy()`; what is added afterwards joins with the next `deploy()`. Everything that still runs when
    the script ends is stopped.

    Links between machines are encrypted, with `tls="always"` all links are; both ends prove who they are with certificates of the deployment's own.
    Links within a machine go through shared memory, or as `local_links` says: `"shm"`, `"unix"` or `"tcp"`.
    """

    def __init__(
        self, name: Optional[str] = None, tls: Optional[str] = None, local_links: Optional[str] = None
    ) -> None:
        self._begin(_engine.call("deployment.create", name=name, tls=tls, local_links=local_links))

    @classmethod
    def from_toml(cls, path: Optional[Text] = None) -> "Deployment":
        """Makes the deployment that a `Hydro.toml` describes; without a path, that of the workspace."""
        made = cls.__new__(cls)
        file = None if path is None else os.fspath(path)
        made._begin(_engine.call("deployment.from_toml", path=file))
        return made

    @classmethod
    def _of_workspace(cls) -> "Deployment":
        """Makes what a test starts from: the workspace's `Hydro.toml`, or an empty deployment where there is none."""
        made = cls.__new__(cls)
        made._begin(_engine.call("deployment.from_toml", path=None, optional=True))
        return made

    def _begin(self, made: Dict[str, Any]) -> None:
        self._id: int = made["deployment"]
        self._name: str = made["name"]
        self._services = {service["name"]: Service(self._id, service) for service in made.get("services", [])}

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def services(self) -> Dict[str, Service]:
        """Its services by name, in the order they were made."""
        return dict(self._services)

    def Localhost(self) -> Machine:
        """Adds this machine."""
        return Machine(self._id, "localhost")

    def GCPMachine(self, project: str, zone: str, type: str) -> GCPMachine:
        """Adds a virtual machine of Google Cloud."""
        return GCPMachine(self._id, project, zone, type)

    def Hydroflow(
        self,
        src: Text,
        on: Optional[Machine] = None,
        count: int = 1,
        params: Optional[Mapping[str, Any]] = None,
        args: Optional[Sequence[str]] = None,
        env: Optional[Mapping[str, str]] = None,
        name: Optional[str] = None,
        colocate: bool = False,
    ) -> Service:
        """Adds a service that runs an `.hf` file, relative to the script's folder or the workspace. Without `on` it runs on this machine. With
        `colocate` it shares a process with the others that say so: a thread each, and items go from one to the other without being encoded."""
        return self._add(
            "service.add_hydroflow",
            src=os.fspath(src),
            on=None if on is None else on.name,
            count=count,
            params=dict(params or {}),
            args=list(args or []),
            env=dict(env or {}),
            name=name,
            colocate=colocate,
        )

    def Command(
        self,
        *argv: Union[Text, Sequence[Text]],
        on: Optional[Machine] = None,
        count: int = 1,
        env: Optional[Mapping[str, str]] = None,
        name: Optional[str] = None,
    ) -> Service:
        """Adds a service that runs any executable: `Command("redis-server", "--port", "0")`, or the same words in a list."""
        words: List[str] = []
        for word in argv:
            words += [os.fspath(word)] if isinstance(word, (str, os.PathLike)) else [os.fspath(each) for each in word]
        on_name = None if on is None else on.name
        return self._add("service.add_command", argv=words, on=on_name, count=count, env=dict(env or {}), name=name)

    def _add(self, method: str, **params: Any) -> Service:
        made = _engine.call(method, deployment=self._id, origin=_engine.caller(), **params)
        service = Service(self._id, made)
        self._services[service.name] = service
        return service

    async def deploy(self) -> None:
        """Builds what has to be built, starts what does not run yet, and waits until it runs."""
        for service in self._services.values():
            service._open_fed()
        await _engine.call_async("deployment.deploy", deployment=self._id)

    async def stop(self) -> None:
        """Stops all services, in the reverse order of their start."""
        await _engine.call_async("deployment.stop", deployment=self._id)

    async def partition(self, one: Member, other: Member) -> None:
        """Cuts the links between two services, or two members, as a broken network would, until `heal()`."""
        await _engine.call_async("deployment.partition", one=one._owner, other=other._owner)

    async def heal(self) -> None:
        """Ends all partitions and other faults; what waited is sent."""
        await _engine.call_async("deployment.heal", deployment=self._id)

    async def __aenter__(self) -> "Deployment":
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return f"<Deployment {self._name}>"
