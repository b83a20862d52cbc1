import asyncio

from hydro import Deployment


async def total(counter, count):
    async for line in counter.stdout():
        if line.startswith(f"{count} numbers"):
            return line


async def main():
    deployment = Deployment()
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    await deployment.deploy()
    numbers = counter.ports.numbers
    await numbers.send_all(range(5000))
    print(await total(counter, 5000))
    await asyncio.gather(*(numbers.send(1) for _ in range(2500)))
    print(await total(counter, 7500))

    async def slowly():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    await numbers.send_all(slowly())
    print(await total(counter, 7503))
