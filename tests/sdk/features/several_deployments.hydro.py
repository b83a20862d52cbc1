from hydro import Deployment


async def count(limit):
    deployment = Deployment(f"up-to-{limit}")
    numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": limit})
    counter = deployment.Hydroflow(src="src/counter.hf")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        if line.startswith(f"{limit} numbers"):
            print(f"{deployment.name}: {line}")
            break
    return deployment


async def main():
    one = await count(10)
    two = await count(20)
    await one.stop()
    print("still running:", len(await two.services["counter"].metrics()))
    await two.stop()
