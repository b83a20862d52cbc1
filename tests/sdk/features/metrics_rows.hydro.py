from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers", params={"count": 10})
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        if line.startswith("10 numbers"):
            break
    rows = await deployment.metrics_rows()
    print(sorted((row["service"], row["port"], row["direction"], row["messages"]) for row in rows))
    [row] = await counter.metrics_rows()
    print(all(isinstance(value, (str, int, float, type(None))) for value in row.values()), row["peer"])
