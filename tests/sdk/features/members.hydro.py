from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", count=3, params={"period_ms": 5})
    await deployment.deploy()
    print(len(ticker), "members")
    for member in ticker:
        print(member.name, await member.stdout())
    await ticker[1].kill()
    print(await ticker[1].exit_code())
    print(len(await ticker.metrics()), "run")
