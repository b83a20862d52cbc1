"""`cargo hydro test` runs each of these against a deployment of its own: the one of Hydro.toml, already running."""

from typing import Any, List

from hydro import Deployment, Stream


async def take(stream: Stream[Any], count: int) -> List[Any]:
    taken = []
    async for item in stream:
        taken.append(item)
        if len(taken) == count:
            break
    return taken


async def test_the_client_hears_its_messages_in_order(deployment: Deployment) -> None:
    heard = await take(deployment.services["client"].stdout(), 5)
    assert heard == [f"echoed hello {i}" for i in range(5)], heard


async def test_a_script_is_a_client_too(deployment: Deployment) -> None:
    server = deployment.services["server"]
    answers = server.ports.outbound.receive()
    await server.ports.inbound.send({"payload": "from a script", "ts": 0})
    [answer] = await take(answers, 1)
    assert answer["payload"] == "from a script", answer
    assert answer["ts"] > 0, "the server puts the time of its answer"
