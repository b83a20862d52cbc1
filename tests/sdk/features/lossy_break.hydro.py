from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf")
    check = deployment.Hydroflow(src="src/check.hf")
    stream.ports.out.connect(check.ports.numbers, delivery="lossy")
    await deployment.deploy()
    lines = check.stdout()
    print((await lines).split()[0])
    await deployment.partition(stream, check)
    [metrics] = await stream.metrics()
    while metrics["links"][0]["connected"]:
        [metrics] = await stream.metrics()
    print("cut")
    # What was under way is lost, and a lossy link goes on without it.
    sent = metrics["links"][0]["messages"]
    await deployment.heal()
    async for line in lines:
        if line.startswith("at") and int(line.split()[-1]) > sent:
            break
    print("healed")
