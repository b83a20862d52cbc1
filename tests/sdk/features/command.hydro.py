from hydro import Deployment


async def main():
    deployment = Deployment()
    one = deployment.Command("sh", "-c", "echo $GREETING; echo careful >&2; exec sleep 60", env={"GREETING": "hello"}, name="one")
    two = deployment.Command(["sh", "-c", "echo two; exec sleep 60"], name="two")
    await deployment.deploy()
    print(await one.stdout())
    print(await one.stderr())
    print(await two.stdout())
    print(len(one.ports), "ports,", "no address" if one.address is None else "an address")
    await one.kill()
    print(await one.exit_code())
