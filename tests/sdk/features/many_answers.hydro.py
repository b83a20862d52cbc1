from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    for number in range(3000):
        await server.ports.inbound.send(f"n{number}")
        answer = await answers
        assert answer == f"N{number}", answer
    print("3000 answers")
