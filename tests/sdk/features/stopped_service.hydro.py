from hydro import Deployment, NotRunning


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    try:
        await server.ports.inbound.send("early")
    except NotRunning as error:
        print(error.message, "|", error.hint)
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    await server.stop()
    try:
        await answers
    except EOFError as error:
        print(error)
    print(await server.metrics(), server.address)
    await server.ports.inbound.send("late")  # fails here
