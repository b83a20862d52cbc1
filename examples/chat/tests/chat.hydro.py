"""Each test has a room of its own: the deployment of Hydro.toml, already running."""

from typing import Any, List

from hydro import Deployment, Service


async def until(service: Service, beginning: str) -> List[str]:
    """Returns all that the service has printed up to a line that begins so. Who comes in later than another misses lines, so numbers mean little."""
    heard = []
    async for text in service.stdout():
        heard.append(text)
        if text.startswith(beginning):
            return heard
    raise AssertionError(f"{service.name} never printed {beginning!r}, but {heard}")


def join(deployment: Deployment, name: str, **params: Any) -> Service:
    client = deployment.Hydroflow(src="src/chat_client.hf", name=name, params={"name": name, **params})
    client.ports.outbound.connect(deployment.services["server"].ports.inbound)
    deployment.services["server"].ports.outbound.connect(client.ports.inbound)
    return client


async def test_everybody_hears_everybody(deployment: Deployment) -> None:
    await until(deployment.services["alice"], "bob: line")
    await until(deployment.services["bob"], "alice: line")


async def test_a_latecomer_hears_only_what_is_said_from_then_on(deployment: Deployment) -> None:
    await until(deployment.services["alice"], "bob: line")
    carol = join(deployment, "carol", period_ms=50, lines=3)
    await deployment.deploy()
    heard = await until(carol, "carol: line 3")
    assert heard[0] == "* carol came in", heard
    assert "bob: line 1" not in heard, heard
    await until(deployment.services["bob"], "* carol went")


async def test_the_room_goes_on_when_a_client_is_killed(deployment: Deployment) -> None:
    await until(deployment.services["alice"], "bob: line")
    await deployment.services["bob"].kill()
    dave = join(deployment, "dave", period_ms=50)
    await deployment.deploy()
    await until(deployment.services["alice"], "dave: line 5")
