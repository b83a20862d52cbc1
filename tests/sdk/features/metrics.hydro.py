from hydro import Deployment


async def main():
    deployment = Deployment("counted")
    numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": 7})
    counter = deployment.Hydroflow(src="src/counter.hf")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        if line.startswith("7 numbers"):
            break
    [metrics] = await counter.metrics()
    print(metrics["deployment"], metrics["service"], metrics["member"])
    [link] = metrics["links"]
    print(link["direction"], link["port"], "from", link["peer"], link["messages"])
