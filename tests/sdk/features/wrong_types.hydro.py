from hydro import Deployment


async def main():
    deployment = Deployment()
    words = deployment.Hydroflow(src="src/words.hf", name="words")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    words.ports.out.connect(counter.ports.numbers)  # fails here
    await deployment.deploy()
