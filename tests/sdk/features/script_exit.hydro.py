import sys

from hydro import Deployment


async def main():
    deployment = Deployment()
    deployment.Hydroflow(src="src/ticker.hf")
    await deployment.deploy()
    print("leaving")
    sys.exit(7)
