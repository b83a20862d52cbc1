"""Deployments: machines, services and links under one name."""

import os
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type, Union

from . import _engine, _events, _show
from ._events import Event
from ._machine import Localhost, Machine, SSHMachine
from ._service import Member, MetricsList, Service
from ._state import Changes, MemberState
from ._stream import Stream
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

    def Localhost(self, closed: bool = False) -> Localhost:
        """Adds this machine. If it is `closed`, no other machine can call it: services on it call all their peers."""
        return Localhost(self, closed)

    def SSHMachine(
        self,
        host: str,
        user: Optional[str] = None,
        port: Optional[int] = None,
        key: Optional[Text] = None,
        known_hosts: Optional[Text] = None,
        target: Optional[str] = None,
        libc: Optional[str] = None,
        builder: Optional[str] = None,
        services: Optional[str] = None,
        closed: bool = False,
    ) -> SSHMachine:
        """Adds a machine that is reached by ssh; what is left out is as ssh itself has it. Programs are built for what it is, unless `target`
        (a triple), `libc` (`"musl"`, or a version of glibc) or `builder` (`cargo`, `zigbuild`, `cross`) say otherwise. `services` says what keeps
        services up there: "systemd", "plain", or systemd where it is ("auto"). A machine that is `closed` cannot be called by other machines:
        services on it call all their peers."""
        own_key, known = (None if file is None else os.fspath(file) for file in (key, known_hosts))
        kept = {"target": target, "libc": libc, "builder": builder, "services": services}
        return SSHMachine(self, host, user, port, own_key, known, **kept, closed=closed)

    def GCPMachine(
        self,
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
    ) -> GCPMachine:
        """Adds a virtual machine of Google Cloud, which is made when services on it are deployed."""
        return GCPMachine(self, project, zone, type, image, disk, spot, network, ttl, autostop, address)

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
        limits: Optional[Mapping[str, Any]] = None,
        sandbox: bool = False,
        systemd: Optional[Mapping[str, Any]] = None,
    ) -> Service:
        """Adds a service that runs an `.hf` file, relative to the script's folder or the workspace. Without `on` it runs on this machine. With
        `colocate` it shares a process with the others that say so: a thread each, and items go from one to the other without being encoded.

        On machines with systemd, `limits` bounds what each member uses (`{"memory": "512 MiB", "cpu": 1.5, "tasks": 64, "files": 1024}`), with `sandbox`
        it sees and changes no more of the machine than it needs, and `systemd` holds further properties of its unit."""
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
            **_bounds(limits, sandbox, systemd),
        )

    def Command(
        self,
        *argv: Union[Text, Sequence[Text]],
        on: Optional[Machine] = None,
        count: int = 1,
        env: Optional[Mapping[str, str]] = None,
        name: Optional[str] = None,
        limits: Optional[Mapping[str, Any]] = None,
        sandbox: bool = False,
        systemd: Optional[Mapping[str, Any]] = None,
    ) -> Service:
        """Adds a service that runs any executable: `Command("redis-server", "--port", "0")`, or the same words in a list. `limits`, `sandbox` and
        `systemd` are as with `Hydroflow`."""
        words: List[str] = []
        for word in argv:
            words += [os.fspath(word)] if isinstance(word, (str, os.PathLike)) else [os.fspath(each) for each in word]
        on_name = None if on is None else on.name
        bounds = _bounds(limits, sandbox, systemd)
        return self._add("service.add_command", argv=words, on=on_name, count=count, env=dict(env or {}), name=name, **bounds)

    def _add(self, method: str, **params: Any) -> Service:
        made = _engine.call(method, deployment=self._id, origin=_engine.caller(), **params)
        service = Service(self._id, made)
        self._services[service.name] = service
        return service

    async def deploy(self) -> None:
        """Builds what has to be built, starts what does not run yet, tells what runs of links that were made or unmade since, and waits until all is up."""
        for service in self._services.values():
            service._open_fed()
        await _engine.call_async("deployment.deploy", deployment=self._id)

    async def plan(self) -> Changes:
        """Tells what `deploy()` would change of what runs, and changes nothing."""
        for service in self._services.values():
            service._open_fed()
        changes: Changes = await _engine.call_async("deployment.plan", deployment=self._id)
        return changes

    def status(self) -> List[MemberState]:
        """Tells how each member is."""
        states: List[MemberState] = _engine.call("deployment.status", deployment=self._id)
        return states

    def events(self) -> "Stream[Event]":
        """Returns what happens from now on: starts, ends, restarts, releases, warnings. Ends when the deployment is stopped.

        The last 4096 are kept for a script that does not read; one that comes later to them gets an event `missed` first.
        """
        watched = _engine.call("deployment.watch", deployment=self._id)
        return Stream("deployment.events", _events.read, receiver=watched["receiver"])

    async def metrics(self) -> MetricsList:
        """Asks all running programs what they count."""
        return MetricsList(await _engine.call_async("deployment.metrics", deployment=self._id))

    async def metrics_rows(self) -> List[Dict[str, Any]]:
        """Asks all running programs what they count, as one flat row for each link: `pandas.DataFrame(await deployment.metrics_rows())`."""
        return (await self.metrics()).rows()

    async def stop(self) -> None:
        """Stops all services, in the reverse order of their start."""
        await _engine.call_async("deployment.stop", deployment=self._id)

    async def partition(self, one: Member, other: Member) -> None:
        """Cuts the links between two services, or two members, as a broken network would, until `heal()`."""
        await self._fault(one, other, fault="partition")

    async def hold(self, one: Member, other: Member) -> None:
        """Lets no byte through between the two, though their connections stay, until `heal()`."""
        await self._fault(one, other, fault="hold")

    async def one_way(self, one: Member, other: Member) -> None:
        """Lets no byte through from `one` to `other`, until `heal()`."""
        await self._fault(one, other, fault="one_way")

    async def delay(self, one: Member, other: Member, ms: int) -> None:
        """Lets what the two send each other take so many milliseconds longer, each way, in order, until `heal()`."""
        await self._fault(one, other, fault="delay", ms=ms)

    async def drop(self, one: Member, other: Member, ratio: float) -> None:
        """Loses what the two send each other so often (from 0 to 1), until `heal()`: a lossy link loses items, any other its connection."""
        await self._fault(one, other, fault="drop", ratio=ratio)

    async def _fault(self, one: Member, other: Member, **fault: Any) -> None:
        await _engine.call_async("deployment.fault", one=one._owner, other=other._owner, **fault)

    async def heal(self, one: Optional[Member] = None, other: Optional[Member] = None) -> None:
        """Ends all partitions and other faults, or those between two; what waited is sent."""
        if (one is None) != (other is None):
            raise TypeError("heal() takes two services, or none")
        ends = [None if end is None else end._owner for end in (one, other)]
        await _engine.call_async("deployment.heal", deployment=self._id, one=ends[0], other=ends[1])

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

    def _repr_svg_(self) -> str:
        """Shows itself in a notebook: services and links."""
        svg: str = _engine.call("deployment.graph", deployment=self._id)
        return svg

    def _repr_html_(self) -> str:
        """Shows itself in a notebook: its members, and the graph of services and links."""
        return _show.table(_show.MEMBER_COLUMNS, self.status(), f"deployment {self._name}") + self._repr_svg_()


def _bounds(limits: Optional[Mapping[str, Any]], sandbox: bool, systemd: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    bounds: Dict[str, Any] = {"limits": dict(limits)} if limits else {}
    if sandbox:
        bounds["sandbox"] = True
    if systemd:
        bounds["systemd"] = dict(systemd)
    return bounds
