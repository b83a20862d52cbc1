from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": 5})
    counter = deployment.Hydroflow(src="src/counter.hf")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        if line.startswith("5 numbers"):
            print(line)
            break
