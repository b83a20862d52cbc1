from hydro import Deployment


async def main() -> None:
    deployment = Deployment()
    machine = deployment.Localhost()

    server = deployment.Hydroflow(src="src/echo_server.hf", on=machine)
    client = deployment.Hydroflow(src="src/echo_client.hf", on=machine, params={"period_ms": 100})

    client.ports.outbound.connect(server.ports.inbound)
    server.ports.outbound.connect(client.ports.inbound)

    await deployment.deploy()

    seen = 0
    async for line in client.stdout():
        print(line)
        seen += 1
        if seen == 10:
            break

    await client.stop()
    await server.stop()
