from hydro import Deployment


async def deeper(ticker):
    if await ticker.stdout() == "tick 0":
        raise ValueError("that will not do")  # fails here


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf")
    await deployment.deploy()
    await deeper(ticker)  # fails here
    print("not reached")
