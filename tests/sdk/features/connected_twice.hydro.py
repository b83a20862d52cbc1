from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    numbers.ports.out.connect(counter.ports.numbers)  # fails here
