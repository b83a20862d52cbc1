from hydro import Deployment


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf")
    counter = deployment.Hydroflow(src="src/counter.hf")
    numbers.ports.out.connect(counter)  # type: ignore[arg-type]  # fails here
