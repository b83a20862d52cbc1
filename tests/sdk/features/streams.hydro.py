import asyncio

from hydro import Deployment


async def main():
    deployment = Deployment()
    counter = deployment.Command("seq", "30000", name="counter")
    sleeper = deployment.Command("sleep", "60", name="sleeper")
    await deployment.deploy()
    await counter.exit_code()
    count = 0
    async for line in counter.stdout():
        count += 1
        assert line == str(count), line
    print(count, "lines, more than memory holds")
    late = counter.stdout()
    print(await late)
    await late.aclose()
    print([line async for line in late])
    try:
        await asyncio.wait_for(sleeper.exit_code(), 0.05)
    except asyncio.TimeoutError:
        print("still sleeps")
    print(counter.ports._known, sleeper.address)
