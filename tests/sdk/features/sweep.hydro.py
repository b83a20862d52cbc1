from hydro import Deployment


async def main():
    for count in (1, 3, 5):
        async with Deployment(f"sweep-{count}") as deployment:
            numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": 2}, count=count)
            counter = deployment.Hydroflow(src="src/counter.hf")
            numbers.ports.out.connect(counter.ports.numbers)
            await deployment.deploy()
            async for line in counter.stdout():
                if line.startswith(f"{2 * count} numbers"):
                    print(deployment.name, line)
                    break
