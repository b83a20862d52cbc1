from hydro import Deployment


async def main():
    deployment = Deployment()
    short = deployment.Command("sh", "-c", "echo one; echo two; exec sleep 60", name="short")
    await deployment.deploy()
    lines = short.stdout()
    print(await lines, await lines)
    await short.kill()
    try:
        await lines
    except Exception as error:
        print(error)
    async for line in lines:
        print("not reached", line)
