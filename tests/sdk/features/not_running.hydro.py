from hydro import Deployment, HydroError


async def refused(attempt):
    try:
        await attempt
    except HydroError as error:
        print(error.message)
        return
    raise AssertionError("it was taken")


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    many = deployment.Hydroflow(src="src/server.hf", name="many", count=2)
    await refused(server.ports.inbound.send("too early"))
    await deployment.deploy()
    await refused(many.ports.inbound.send("to whom?"))
    await server.stop()
    await refused(server.ports.inbound.send("too late"))
    print("no address" if server.address is None else server.address)
