from hydro import Deployment


async def main():
    deployment = Deployment()
    deployment.Hydroflow(src="src/counter.hf", name="counter")  # fails here
    await deployment.deploy()  # fails here
