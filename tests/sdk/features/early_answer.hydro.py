from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    await deployment.deploy()
    # The answer comes before anybody reads; it is kept for whoever reads first.
    await server.ports.inbound.send("question")
    await server.ports.inbound.send("another")
    answers = server.ports.outbound.receive()
    print(await answers, await answers)
