from hydro import Deployment


async def main():
    async with Deployment("scoped") as deployment:
        ticker = deployment.Hydroflow(src="src/ticker.hf")
        await deployment.deploy()
        print(await ticker.stdout())
    print("stopped:", await ticker.exit_code())
