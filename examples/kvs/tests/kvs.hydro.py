"""Each test has three replicas of its own."""

import asyncio
from typing import Any, Awaitable, Callable

from hydro import Deployment, Member, Stream


async def ask(replica: Member, answers: Stream[Any], request: Any) -> Any:
    await replica.ports.requests.send(request)
    async for answer in answers:
        return answer


async def read(replica: Member, answers: Stream[Any], key: str) -> Any:
    answer = await ask(replica, answers, {"Get": {"key": key}})
    return answer["Value"]["value"]


async def eventually(value: Any, get: Callable[[], Awaitable[Any]]) -> None:
    while await get() != value:
        await asyncio.sleep(0.02)


async def test_what_one_replica_keeps_all_tell(deployment: Deployment) -> None:
    replicas = deployment.services["replica"]
    answers = [replicas[i].ports.responses.receive() for i in range(3)]
    kept = await ask(replicas[0], answers[0], {"Put": {"key": "a", "value": "1"}})
    assert kept == {"Done": {"key": "a"}}, kept
    for i in range(3):
        await eventually("1", lambda: read(replicas[i], answers[i], "a"))


async def test_the_later_write_wins_everywhere(deployment: Deployment) -> None:
    replicas = deployment.services["replica"]
    answers = [replicas[i].ports.responses.receive() for i in range(3)]
    await ask(replicas[0], answers[0], {"Put": {"key": "b", "value": "first"}})
    await ask(replicas[1], answers[1], {"Put": {"key": "b", "value": "second"}})
    for i in range(3):
        await eventually("second", lambda: read(replicas[i], answers[i], "b"))


async def test_the_store_goes_on_without_one_replica(deployment: Deployment) -> None:
    replicas = deployment.services["replica"]
    await replicas[1].kill()
    answers = replicas[2].ports.responses.receive()
    await ask(replicas[2], answers, {"Put": {"key": "c", "value": "still here"}})
    assert await read(replicas[2], answers, "c") == "still here"
