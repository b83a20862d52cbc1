from hydro import Deployment


async def main():
    deployment = Deployment()
    stopped = deployment.Hydroflow(src="src/ticker.hf", name="stopped")
    killed = deployment.Hydroflow(src="src/ticker.hf", name="killed")
    await deployment.deploy()
    await stopped.stop()
    print("stopped:", await stopped.exit_code())
    await killed.kill()
    print("killed:", await killed.exit_code())
    # Both ends of its output: what it wrote, then nothing more.
    last = ""
    async for line in killed.stdout():
        last = line
    print(last.split()[0] if last else "tick")
