"""One sequence, whoever dies and whatever is lost: each test has programs of its own, disturbs them, and compares what replicas have applied, command by command."""

import asyncio
import random
import sys
from pathlib import Path

from hydro import Deployment

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


async def test_it_is_one_sequence_whatever_is_cut_and_lost() -> None:
    dice = random.Random(7)
    paxos = await begun("paxos-storm", {"Majority": 3})
    everybody = [member for service in (paxos.proposers, paxos.proxies, paxos.acceptors, paxos.replicas) for member in service]
    await paxos.deployment.drop(paxos.proxies, paxos.acceptors, ratio=0.02)
    for _ in range(6):
        pairs = [dice.sample(everybody, 2) for _ in range(8)]
        await asyncio.gather(*(paxos.deployment.partition(one, other) for one, other in pairs))
        await asyncio.sleep(dice.uniform(0.2, 0.8))
        await paxos.cut_off(paxos.leader)
        await asyncio.sleep(dice.uniform(0.2, 0.8))
        await paxos.deployment.heal()
    await paxos.get_on()
    assert await paxos.finish() > 0


async def test_the_check_finds_what_is_wrong() -> None:
    one, two = (0, 1), (0, 2)
    check([[one, two], [one, two]], [2])
    for sequences, answered in (([[one, two], [two, one]], [2]), ([[one, two], [one]], [2]), ([[one, one]], [1]), ([[one]], [2])):
        try:
            check(sequences, answered)
        except AssertionError:
            continue
        raise RuntimeError(f"{sequences} passed")
