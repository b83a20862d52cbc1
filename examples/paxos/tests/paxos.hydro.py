"""One sequence, whoever dies and whatever is lost: each test has programs of its own, disturbs them, and compares what replicas have applied, command by command."""

import asyncio
import random
import sys
from pathlib import Path
from typing import List, Tuple

from hydro import Deployment, Member

sys.path.append(str(Path(__file__).parent.parent))

from system import System, check, describe, until


async def begun(name: str, quorums: object) -> System:
    paxos = describe(Deployment(name), quorums)
    await paxos.begin()
    return paxos


async def test_it_goes_on_when_the_leader_dies() -> None:
    paxos = await begun("paxos-death", {"Majority": 3})
    old = paxos.leader
    await old.kill()
    await until("another proposer leads", lambda: paxos.leader is not old)
    await paxos.get_on()
    await paxos.finish()


async def test_it_goes_on_without_one_acceptor_one_proxy_and_one_replica() -> None:
    paxos = await begun("paxos-grid", {"Grid": {"rows": 2, "columns": 3}})
    for member in (paxos.acceptors[4], paxos.proxies[0]):
        await member.kill()
        await paxos.get_on()
    # A replica that comes back has forgotten all, and learns it from the others.
    await paxos.replicas[1].restart()
    await paxos.get_on()
    await paxos.finish()


async def test_it_is_one_sequence_though_the_network_splits() -> None:
    """Each half has all it takes but a quorum of acceptors; clients reach both, and messages are lost besides."""
    dice = random.Random(7)
    paxos = await begun("paxos-split", {"Majority": 3})
    await paxos.deployment.drop(paxos.proxies, paxos.acceptors, ratio=0.02)
    for _ in range(4):
        halves: Tuple[List[Member], List[Member]] = ([], [])
        for service in (paxos.proposers, paxos.proxies, paxos.acceptors, paxos.replicas):
            alone = dice.choice(service.members)
            side = dice.randrange(2)
            halves[side].append(alone)
            halves[1 - side].extend(member for member in service if member is not alone)
        await asyncio.gather(*(paxos.deployment.partition(one, other) for one in halves[0] for other in halves[1]))
        # Long enough for a campaign in each half.
        await asyncio.sleep(dice.uniform(0.8, 1.6))
        await paxos.deployment.heal()
        await paxos.get_on()
    await paxos.finish()


async def test_the_check_finds_what_is_wrong() -> None:
    one, two = (0, 1), (0, 2)
    check([[one, two], [one, two]], [2])
    for sequences, answered in (([[one, two], [two, one]], [2]), ([[one, two], [one]], [2]), ([[one, one]], [1]), ([[one]], [2])):
        try:
            check(sequences, answered)
        except AssertionError:
            continue
        raise RuntimeError(f"{sequences} passed")
