from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", params={"period_ms": 5})
    await deployment.deploy()
    lines = ticker.stdout()
    async for line in lines:
        print(line)
        if line == "tick 2":
            break
    # Leaving a loop loses nothing.
    async for line in lines:
        print("then", line)
        break
    # Another reader begins with the first line.
    print("again", await ticker.stdout())
