from hydro import Deployment


async def at(check, beyond):
    """Waits until the receiver is further than this; returns how far."""
    async for line in check.stdout():
        if line.startswith("wrong"):
            raise AssertionError(line)
        if line.startswith("at") and int(line.split()[2]) > beyond:
            return int(line.split()[2])


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf", name="stream", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf", name="check")
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    last = await at(check, 10)
    for fault in ("partition", "hold", "one_way"):
        await getattr(deployment, fault)(stream, check)
        await deployment.heal(stream, check)
        last = await at(check, last + 10)
        print(fault, "and on")
    await deployment.delay(stream, check, ms=30)
    last = await at(check, last + 10)
    await deployment.drop(stream[0], check[0], ratio=0.5)
    last = await at(check, last + 10)
    await deployment.heal()
    await at(check, last + 10)
    print("delay and drop, and all came in order")
    await deployment.drop(stream, check, ratio=2)  # fails here
