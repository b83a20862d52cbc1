from hydro import Deployment


def join(deployment, server, name, lines=0):
    """Adds a client to the room; it may be there from the start or come while the others talk."""
    client = deployment.Hydroflow(src="src/chat_client.hf", name=name, params={"name": name, "period_ms": 100, "lines": lines})
    client.ports.outbound.connect(server.ports.inbound)
    server.ports.outbound.connect(client.ports.inbound)
    return client


async def until(client, beginning):
    async for heard in client.stdout():
        print(f"{client.name} hears: {heard}")
        if heard.startswith(beginning):
            return


async def main():
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
