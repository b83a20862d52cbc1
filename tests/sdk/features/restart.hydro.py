from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    client = deployment.Hydroflow(src="src/client.hf", name="client", params={"name": "ann", "count": 1})
    client.ports.outbound.connect(server.ports.inbound)
    server.ports.outbound.connect(client.ports.inbound)
    await deployment.deploy()
    await client.wait_healthy(timeout=60)
    before, address = deployment.status()[0]["pid"], server.address
    await server.restart()
    await server.wait_healthy(timeout=60)
    print("another process", deployment.status()[0]["pid"] != before)
    print("the same address", server.address == address)
    await server.stop()
    print([member["state"] for member in deployment.status()])
    await server.start()
    await server.wait_healthy()
    print([member["state"] for member in deployment.status()])
