"""The programs of one configuration, what can be done to them, and whether they kept what they promise. For the script and for the tests."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Set, Tuple

from hydro import Deployment, Member, Service, Stream

# How long anything may take that must happen at some time, in seconds.
PATIENCE = 40


async def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen that {what}"
        await asyncio.sleep(0.02)


@dataclass
class System:
    """The programs of one configuration."""

    deployment: Deployment
    proposers: Service
    proxies: Service
    acceptors: Service
    replicas: Service
    clients: Service
    # Ballots that have won, and when: round and proposer.
    won: Dict[Tuple[int, int], float] = field(default_factory=dict)
    # What clients have counted.
    windows: List[Any] = field(default_factory=list)

    async def begin(self) -> None:
        """Starts all, and listens to them."""
        await self.deployment.deploy()
        self._listening = asyncio.ensure_future(self._listen())
        self._watching = [asyncio.ensure_future(self._watch(client)) for client in self.clients]
        await self.get_on()

    async def _listen(self) -> None:
        """Keeps in mind who leads, as the proposers themselves tell: `leads with ballot 2.1 …`."""
        async for line in self.proposers.stdout():
            if line.startswith("leads"):
                ballot, proposer = line.split()[3].split(".")
                self.won[int(ballot), int(proposer)] = time.time()

    async def _watch(self, client: Member) -> int:
        """Collects what a client counts; returns how many of its commands were answered when it has finished."""
        async for window in client.ports.windows.receive():
            self.windows.append(window)
            if window["finished"] is not None:
                return int(window["finished"])
        raise RuntimeError("the client has ended")

    @property
    def leader(self) -> Member:
        """The proposer with the largest ballot."""
        return self.proposers[max(self.won)[1]]

    async def get_on(self) -> None:
        """Waits until commands are committed that were not sent before."""
        begun = time.time() * 1000

        def is_fresh(window: Any) -> bool:
            return bool(window["at_ms"] - window["seconds"] * 1000 > begun and window["commits"] > 0)

        await until("commands are committed", lambda: any(is_fresh(window) for window in self.windows[-20:]))

    async def cut_off(self, member: Member) -> None:
        """Cuts a member off from everybody."""
        everybody = (self.proposers, self.proxies, self.acceptors, self.replicas, self.clients)
        others = [other for service in everybody for other in service if other is not member]
        await asyncio.gather(*(self.deployment.partition(member, other) for other in others))

    async def finish(self) -> int:
        """Lets clients finish, and asserts that replicas have applied one sequence, in which each command is that a client was answered; returns its length."""
        for client in self.clients:
            await client.ports.orders.send("finish")
        answered = await asyncio.wait_for(asyncio.gather(*self._watching), PATIENCE)
        self._listening.cancel()
        check([await self._sequence(replica, sum(answered)) for replica in self.replicas], answered)
        return sum(answered)

    async def _sequence(self, replica: Member, count: int) -> List[Tuple[int, int]]:
        """Asks a replica for all it has applied, until that are so many commands. What is missing after a while is lost, as `check` tells."""
        parts: Stream[Any] = replica.ports.parts.receive()
        commands: List[Tuple[int, int]] = []
        deadline = time.monotonic() + PATIENCE / 4
        while len(commands) < count and time.monotonic() < deadline:
            await replica.ports.questions.send(len(commands))
            part = await parts
            commands += [(client, number) for client, number in part["commands"]]
            if not part["commands"]:
                await asyncio.sleep(0.02)
        return commands


def check(sequences: List[List[Tuple[int, int]]], answered: List[int]) -> None:
    """Compares what replicas have applied, command by command; `answered` is how many commands of each client were."""
    first = sequences[0]
    for number, other in enumerate(sequences[1:], 1):
        for at, (one, two) in enumerate(zip(first, other)):
            assert one == two, f"command {at} is {one} at replica 0, and {two} at replica {number}"
        assert len(first) == len(other), f"replica 0 has applied {len(first)} commands, replica {number} {len(other)}"
    applied: Set[Tuple[int, int]] = set(first)
    assert len(applied) == len(first), f"{len(first) - len(applied)} commands were applied twice"
    lost = {(client, number) for client, count in enumerate(answered) for number in range(1, count + 1)} - applied
    assert not lost, f"{len(lost)} commands were answered and are lost: {sorted(lost)[:5]}"


def describe(deployment: Deployment, quorums: Any, clients: int = 2, outstanding: int = 64) -> System:
    """Adds all programs and links. Paxos needs no reliable links: what is lost is said again, and nobody waits for who is gone."""
    grid = quorums.get("Grid")
    count = grid["rows"] * grid["columns"] if grid else quorums["Majority"]
    params = {"quorums": quorums}
    proposer = deployment.Hydroflow(src="src/proposer.hf", name="proposer", count=3, params=params)
    proxy = deployment.Hydroflow(src="src/proxy.hf", name="proxy", count=2, params=params)
    acceptor = deployment.Hydroflow(src="src/acceptor.hf", name="acceptor", count=count)
    replica = deployment.Hydroflow(src="src/replica.hf", name="replica", count=3)
    client = deployment.Hydroflow(src="src/client.hf", name="client", count=clients, params={"outstanding": outstanding})

    client.ports.commands.connect(proposer.ports.commands, delivery="lossy")
    proposer.ports.beats.connect(proposer.ports.heard, delivery="lossy")
    proposer.ports.prepares.connect(acceptor.ports.prepares, delivery="lossy")
    acceptor.ports.promises.connect(proposer.ports.promises, delivery="lossy")
    proposer.ports.proposals.connect(proxy.ports.proposals, policy="round_robin", delivery="lossy")
    proxy.ports.asked.connect(acceptor.ports.proposals, delivery="lossy")
    acceptor.ports.votes.connect(proxy.ports.votes, delivery="lossy")
    proxy.ports.refusals.connect(proposer.ports.refusals, delivery="lossy")
    proxy.ports.chosen.connect(replica.ports.chosen, delivery="lossy")
    replica.ports.answers.connect(client.ports.answers, delivery="lossy")
    replica.ports.applied.connect(proposer.ports.applied, delivery="lossy")
    replica.ports.applied.connect(replica.ports.others, delivery="lossy")
    replica.ports.missed.connect(replica.ports.told, delivery="lossy")
    # These two are for whoever measures and checks.
    client.ports.orders.open()
    replica.ports.questions.open()
    return System(deployment, proposer, proxy, acceptor, replica, client)
