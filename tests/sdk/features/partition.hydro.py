from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf")
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    lines = check.stdout()
    print((await lines).split()[0])
    await deployment.partition(stream[0], check)
    [metrics] = await stream.metrics()
    while metrics["links"][0]["connected"] or metrics["links"][0]["queue_messages"] < 50:
        [metrics] = await stream.metrics()
    print("cut")
    sent = metrics["links"][0]["messages"]
    await deployment.heal()
    async for line in lines:
        assert not line.startswith("wrong"), line
        if int(line.split()[-1]) > sent:
            break
    print("healed, without a gap")
