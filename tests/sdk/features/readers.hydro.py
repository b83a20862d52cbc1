from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    await deployment.deploy()
    one, two = server.ports.outbound.receive(), server.ports.outbound.receive()
    for word in ("a", "b"):
        await server.ports.inbound.send(word)
        print(await one, await two)
    await one.aclose()
    async for answer in one:
        print("not reached", answer)
    await server.ports.inbound.send("c")
    print(await two)
    await server.stop()
    async for answer in two:
        print("not reached", answer)
    print("both have ended")
