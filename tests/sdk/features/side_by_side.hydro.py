import asyncio

from hydro import Deployment


async def heard(client, end):
    async for line in client.stdout():
        if line == end:
            return client.name


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    clients = []
    for name in ("ann", "ben", "cleo"):
        client = deployment.Hydroflow(src="src/client.hf", name=name, params={"name": name, "count": 50})
        client.ports.outbound.connect(server.ports.inbound)
        server.ports.outbound.connect(client.ports.inbound)
        clients.append(client)
    await deployment.deploy()
    print(*await asyncio.gather(*(heard(client, f"heard {client.name.upper()} 49") for client in clients)))
