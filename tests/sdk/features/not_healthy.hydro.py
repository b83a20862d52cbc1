from hydro import Deployment, HydroError, TimedOut


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/ticker.hf", name="ticker")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    await counter.stop()
    try:
        await numbers.wait_healthy(timeout=0.5)
    except TimedOut as error:
        print(error.message, error.causes[0].split(" is ")[0])
    try:
        await counter.wait_healthy()
    except HydroError as error:
        print(error.message)
