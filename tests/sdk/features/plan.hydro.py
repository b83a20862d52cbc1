from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    print([member["state"] for member in deployment.status()])
    plan = await deployment.plan()
    print(sorted(plan["start"]), plan["link"], plan["restart"])
    await deployment.deploy()
    plan = await deployment.plan()
    print(plan["start"], plan["stop"], plan["rewire"])
    deployment.Hydroflow(src="src/ticker.hf", name="ticker")
    print((await deployment.plan())["start"])
