from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    for port in server.ports:
        print(port.name, port.direction, port)
    print(server.ports["inbound"].name, server.ports.outbound.direction)
    await deployment.deploy()
    await server.ports["inbound"].send("by name")
    print(await server.ports["outbound"].receive())
