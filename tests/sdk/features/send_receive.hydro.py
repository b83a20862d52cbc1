from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    for word in ("hello", "größer", "two words"):
        await server.ports.inbound.send(word)
        async for answer in answers:
            print(answer)
            break
