"""Services, their members and their ports."""

import json
from typing import Any, AsyncIterable, Dict, Iterable, Iterator, List, Literal, Optional, Set, Tuple, Union

from . import _engine, _intent, _show
from ._metrics import Metrics, rows
from ._state import Resolved
from ._stream import Stream, lines

Policy = Literal["broadcast", "round_robin"]
Delivery = Literal["reliable", "lossy"]
Transport = Literal["shm", "unix", "tcp"]
# How many items one request of `send_all` holds.
_TOGETHER = 1000


class Port:
    """A port of a service, or of one of its members."""

    def __init__(self, ports: "Ports", name: str, direction: str) -> None:
        self._owner = ports._owner
        self._name = name
        self._direction = direction
        # Outputs of the same service, and those that were joined before the script asked for them.
        self._siblings = [port for port, way in ports._known.items() if way == "output"]
        self._joined = ports._joined
        self._claimed = ports._claimed

    @property
    def name(self) -> str:
        """Its name in the module's header."""
        return self._name

    @property
    def direction(self) -> str:
        """`input` or `output`; `listen` where a command names the port, and may do both."""
        return self._direction

    def connect(
        self,
        other: "Port",
        policy: Optional[Policy] = None,
        insecure: bool = False,
        delivery: Optional[Delivery] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        """Links this output to an input, with the next `deploy()`; both may run already. With several links, each item goes to all of them, or to one in turn (`policy="round_robin"`).

        An `insecure` link is never encrypted, not even between machines; each run warns of it. With `delivery="lossy"` a peer that does not take
        items fast enough misses the older ones, and nobody waits for it. `transport` (`"shm"`, `"unix"` or `"tcp"`) is what carries this link
        if both ends are on one machine.
        """
        if not isinstance(other, Port):
            raise TypeError(f"connect() wants a port such as `service.ports.inbound`, not {type(other).__name__}")
        _engine.call(
            "link.connect",
            deployment=self._owner["deployment"],
            other_deployment=other._owner["deployment"],
            output={"service": self._owner["service"], "port": self._name},
            input={"service": other._owner["service"], "port": other._name},
            policy=policy,
            delivery=delivery,
            transport=transport,
            insecure=insecure,
            origin=_engine.caller(),
        )

    def disconnect(self, other: "Port") -> None:
        """Takes a link away, with the next `deploy()`. An input that nothing else feeds is the script's own from then on."""
        if not isinstance(other, Port):
            raise TypeError(f"disconnect() wants a port such as `service.ports.inbound`, not {type(other).__name__}")
        _engine.call(
            "link.disconnect",
            deployment=self._owner["deployment"],
            output={"service": self._owner["service"], "port": self._name},
            input={"service": other._owner["service"], "port": other._name},
        )

    def expose(self, listen: "Union[int, str, None]" = None) -> None:
        """Has this port reached from outside once its service starts; before `deploy()`. Of a command: one that it names, as in `{port:http}`.

        `listen` is a port number, an IP address or both (`"0.0.0.0:8080"`). Without it a free port is taken, on this machine at the loopback
        address and elsewhere at all of the machine's. `address` tells which.
        """
        _engine.call(
            "port.expose",
            port=self._name,
            listen=None if listen is None else str(listen),
            origin=_engine.caller(),
            **{key: self._owner[key] for key in ("deployment", "service")},
        )

    @property
    def address(self) -> Optional[str]:
        """Where this port is reached from outside, as `ADDRESS:PORT`; None unless it was exposed and its service was started."""
        address: Optional[str] = _engine.call("port.address", port=self._name, **self._owner)
        return address

    def open(self) -> None:
        """Says that the script itself will send to this input, so that it needs no link. Before `deploy()`."""
        _engine.call("port.open", port=self._name, **self._owner)

    async def send(self, value: Any) -> None:
        """Sends an item to this input. The value is written as JSON and must fit the port's type.

        Sends that do not wait for one another (`asyncio.gather`) go together, in the order they were called; `send_all` is quicker still.
        The answer may be quicker than the script's next line: outputs of the same service that the script's text names are joined first.
        """
        self._join_siblings()
        await _engine.send(self._owner, self._name, _engine.as_json(value))

    async def send_all(self, values: "Union[Iterable[Any], AsyncIterable[Any]]") -> None:
        """Sends many items to this input, in order, as fast as the program takes them."""
        self._join_siblings()
        batch: List[str] = []
        if isinstance(values, AsyncIterable):
            async for value in values:
                batch = await self._add(batch, value)
        else:
            for value in values:
                batch = await self._add(batch, value)
        if batch:
            await _engine.call_async("port.send", port=self._name, items=batch, **self._owner)

    async def _add(self, batch: List[str], value: Any) -> List[str]:
        batch.append(_engine.as_json(value))
        if len(batch) < _TOGETHER:
            return batch
        await _engine.call_async("port.send", port=self._name, items=batch, **self._owner)
        return []

    def _join_siblings(self) -> None:
        for output in self._siblings:
            if output in _intent.named and output not in self._claimed:
                self._joined[output] = self._join(output)

    def receive(self) -> "Stream[Any]":
        """Returns the items that this output sends from now on, as JSON values; the first time, from the script's first `send` on."""
        early = self._joined.pop(self._name, None)
        return early if early is not None else self._join(self._name)

    def _join(self, output: str) -> "Stream[Any]":
        self._claimed.add(output)
        joined = _engine.call("port.join", port=output, **self._owner)
        return Stream("port.receive", json.loads, receiver=joined["receiver"])

    def __repr__(self) -> str:
        return f"<{self._direction} {self._owner['service']}.{self._name}>"


class Ports:
    """The ports of a service as attributes: `service.ports.inbound`, or by name: `service.ports["inbound"]`."""

    def __init__(self, owner: Dict[str, Any], known: List[Dict[str, Any]]) -> None:
        self._owner = owner
        self._known = {port["name"]: port["direction"] for port in known}
        self._joined: "Dict[str, Stream[Any]]" = {}
        # Outputs that were joined at some time: one that nobody reads any more would make the program wait.
        self._claimed: Set[str] = set()

    def __getattr__(self, name: str) -> Port:
        # Python asks for its own names too, also before `__init__` ran.
        if name.startswith("__") or "_known" not in self.__dict__:
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Port:
        if name not in self._known:
            # The engine knows the words for what is wrong with the name.
            info = _engine.call("service.port", port=name, **{key: self._owner[key] for key in ("deployment", "service")})
            self._known[name] = info["direction"]
        return Port(self, name, self._known[name])

    def __iter__(self) -> Iterator[Port]:
        return (self[name] for name in list(self._known))

    def __len__(self) -> int:
        return len(self._known)

    def __dir__(self) -> List[str]:
        return list(self._known)


class MetricsList(List[Metrics]):
    """What members count, one after the other; a table in a notebook."""

    def rows(self) -> List[Dict[str, Any]]:
        """Makes one flat row of each link: `pandas.DataFrame((await service.metrics()).rows())`."""
        return rows(self)

    def _repr_html_(self) -> str:
        return _show.table(_show.LINK_COLUMNS, self.rows(), "metrics")


class Member:
    """One running copy of a service."""

    def __init__(self, owner: Dict[str, Any], ports: List[Dict[str, Any]]) -> None:
        self._owner = owner
        self._ports = Ports(owner, ports)

    @property
    def name(self) -> str:
        """The service's name."""
        name: str = self._owner["service"]
        return name

    @property
    def ports(self) -> Ports:
        """The ports of the module's header."""
        return self._ports

    @property
    def address(self) -> Optional[str]:
        """The address (`ip:port`) that peers see in items of addressed ports; none before it runs, and for commands."""
        address: Optional[str] = _engine.call("service.address", **self._owner)
        return address

    def stdout(self) -> "Stream[str]":
        """Returns the lines it writes to standard output, from its start on."""
        return lines(self._owner, "stdout")

    def stderr(self) -> "Stream[str]":
        """Returns the lines it writes to standard error, from its start on."""
        return lines(self._owner, "stderr")

    def resolve(self) -> List[Resolved]:
        """Tells what peers need to reach each member: its address, and the ports of a command that its words name as `{port:NAME}`."""
        resolved: List[Resolved] = _engine.call("service.resolve", **self._owner)
        return resolved

    async def metrics(self) -> MetricsList:
        """Asks what it counts: one answer for each member that runs."""
        return MetricsList(await _engine.call_async("service.metrics", **self._owner))

    async def metrics_rows(self) -> List[Dict[str, Any]]:
        """Asks what it counts, as one flat row for each link: `pandas.DataFrame(await service.metrics_rows())`."""
        return (await self.metrics()).rows()

    async def wait_healthy(self, timeout: Optional[float] = None) -> None:
        """Waits until it is up, and its program connected to all it calls; `TimedOut` after `timeout` seconds tells what is missing."""
        await _engine.call_async("service.wait_healthy", seconds=timeout, **self._owner)

    async def start(self) -> None:
        """Starts it after it was stopped or has ended; who runs is left alone."""
        await _engine.call_async("service.start", **self._owner)

    async def restart(self) -> None:
        """Stops it in order and starts it again, at the same address."""
        await _engine.call_async("service.restart", **self._owner)

    async def exit_code(self) -> int:
        """Waits for its end; returns the exit code, or the negative number of the signal that ended it."""
        code: int = await _engine.call_async("service.exit_code", **self._owner)
        return code

    async def stop(self) -> None:
        """Asks it to end in order and waits for the end."""
        await _engine.call_async("service.stop", **self._owner)

    async def kill(self) -> None:
        """Ends it at once, as a crash would."""
        await _engine.call_async("service.kill", **self._owner)

    def __repr__(self) -> str:
        member = self._owner.get("member")
        return f"<{type(self).__name__} {self.name}{'' if member is None else f'[{member}]'}>"


class Service(Member):
    """A program placed on a machine, `count` times. `service[0]` is its first member; the methods here mean all of them."""

    def __init__(self, deployment: int, made: Dict[str, Any]) -> None:
        self._known = made.get("ports", [])
        super().__init__({"deployment": deployment, "service": made["name"]}, self._known)
        self._members: List[Member] = []
        self._resize(made.get("count", 1))

    def _resize(self, count: int) -> None:
        new = range(len(self._members), count)
        self._members = self._members[:count] + [Member(dict(self._owner, member=n), self._known) for n in new]

    @property
    def members(self) -> Tuple[Member, ...]:
        """Its members, in the order of their numbers."""
        return tuple(self._members)

    async def scale(self, count: int) -> None:
        """Gives it another number of members; where it runs, at once. Between one member and several all are new: they have other names."""
        made = await _engine.call_async(
            "service.scale", deployment=self._owner["deployment"], service=self._owner["service"], count=count
        )
        self._resize(made["count"])

    def _open_fed(self) -> None:
        """Opens the inputs that the script's own text names for another use than linking; it need not say so twice."""
        for port in self.ports:
            if port.direction == "input" and _intent.feeds(port.name):
                port.open()

    def _repr_html_(self) -> str:
        """Shows itself in a notebook: its members."""
        states = _engine.call("deployment.status", deployment=self._owner["deployment"])
        own = [state for state in states if state["service"] == self.name]
        return _show.table(_show.MEMBER_COLUMNS, own, f"service {self.name}")

    def __getitem__(self, number: int) -> Member:
        return self._members[number]

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)
