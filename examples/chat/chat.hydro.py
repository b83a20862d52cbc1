from hydro import Deployment, Service


def join(deployment: Deployment, server: Service, name: str, lines: int = 0) -> Service:
    """Adds a client to the room; it may be there from the start or come while the others talk."""
    client = deployment.Hydroflow(src="src/chat_client.hf", name=name, params={"name": name, "period_ms": 100, "lines": lines})
    client.ports.outbound.connect(server.ports.inbound)
    server.ports.outbound.connect(client.ports.inbound)
    return client


async def until(client: Service, beginning: str) -> None:
    async for heard in client.stdout():
        print(f"{client.name} hears: {heard}")
        if heard.startswith(beginning):
            return


async def main() -> None:
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/chat_server.hf", name="server")
    alice = join(deployment, server, "alice")
    bob = join(deployment, server, "bob", lines=5)
    await deployment.deploy()
    await until(alice, "* bob went")

    carol = join(deployment, server, "carol")
    await deployment.deploy()
    await until(alice, "carol: line 1")
    await until(carol, "alice: line")

    await deployment.stop()
