from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": 10})
    counter = deployment.Hydroflow(src="src/counter.hf", count=2)
    numbers.ports.out.connect(counter.ports.numbers, policy="round_robin")
    await deployment.deploy()
    for member in counter:
        async for line in member.stdout():
            if line.startswith("5 numbers"):
                break
    print("each has 5")
