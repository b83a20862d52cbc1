from typing import Dict, Optional

from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf", count=2)
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    for member in check:
        await member.stdout()
    await deployment.partition(stream, check[1])
    links: Dict[Optional[str], bool] = {}
    while links.get("check.1", True):
        [metrics] = await stream.metrics()
        links = {link["peer"]: link["connected"] for link in metrics["links"]}
    print("check.0" if links["check.0"] else "nobody", "is connected")
    await deployment.heal()
    while not links["check.1"]:
        [metrics] = await stream.metrics()
        links = {link["peer"]: link["connected"] for link in metrics["links"]}
    print("both are connected")
