from hydro import Deployment, HydroError


async def main():
    deployment = Deployment()
    command = deployment.Command("sleep", "60", name="sleep")
    ticker = deployment.Hydroflow(src="src/ticker.hf", name="ticker")
    await deployment.deploy()
    for attempt in (command.metrics, lambda: deployment.partition(ticker, command)):
        try:
            await attempt()
        except HydroError as error:
            print(error.message)
    await deployment.heal()
    print("healed all the same")
