from hydro import Deployment


async def counted(counter):
    async for line in counter.stdout():
        return line.split(",")[0] != "0 numbers"


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", name="ticker", params={"period_ms": 5})
    one = deployment.Hydroflow(src="src/counter.hf", name="one")
    two = deployment.Hydroflow(src="src/counter.hf", name="two")
    ticker.ports.out.connect(one.ports.numbers)
    two.ports.numbers.open()
    await deployment.deploy()
    ticker.ports.out.connect(two.ports.numbers)
    print((await deployment.plan())["link"])
    await deployment.deploy()
    async for line in two.stdout():
        if not line.startswith("0 "):
            print("two hears")
            break
    ticker.ports.out.disconnect(two.ports.numbers)
    ticker.ports.out.disconnect(one.ports.numbers)
    print((await deployment.plan())["unlink"])
    await deployment.deploy()
    links = [(link["port"], link["peer"]) for each in await ticker.metrics() for link in each["links"] if link["connected"]]
    print(links)
    print([member["restarts"] for member in deployment.status()])
