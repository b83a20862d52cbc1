from hydro import Deployment


def link(one, other):
    one.connect(other)  # fails here


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    link(counter.ports.numbers, numbers.ports.out)  # fails here
