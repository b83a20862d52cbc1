from typing import Any, List

from hydro import Deployment, HydroError


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    await deployment.deploy()
    circle: List[Any] = []
    circle.append(circle)
    for value in (float("nan"), float("inf"), circle, [lambda: 1]):
        try:
            await server.ports.inbound.send(value)
            print("it was sent")
        except HydroError as error:
            print(error.message.split(":")[0])
    await server.ports.inbound.send("still there")
    print(await server.ports.outbound.receive())
