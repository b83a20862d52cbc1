from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", name="ticker", count=2)
    await deployment.deploy()
    first = deployment.status()[0]["pid"]
    await ticker.scale(4)
    print(len(ticker.members), [member["name"] for member in deployment.status()])
    print(await ticker[3].stdout())
    await ticker.scale(2)
    print(len(ticker.members), [member["name"] for member in deployment.status()])
    print("the first went on", deployment.status()[0]["pid"] == first)
