from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf")
    counter = deployment.Hydroflow(src="src/counter.hf")
    print("before")
    numbers.ports.outt.connect(counter.ports.numbers)  # fails here
    print("after")
