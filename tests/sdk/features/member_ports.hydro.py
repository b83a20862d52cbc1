from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server", count=3)
    await deployment.deploy()
    answers = [member.ports.outbound.receive() for member in server]
    for number, member in enumerate(server):
        await member.ports.inbound.send(f"to {number}")
    for answer in answers:
        print(await answer)
    print(server, server[2], len(server))
