from hydro import Deployment


async def main():
    first, second = Deployment("twin"), Deployment("twin")
    print(first.name, second.name)
    for deployment in (first, second):
        deployment.Command("sleep", "60", name="bed")
        await deployment.deploy()
    await first.stop()
    print([member["state"] for member in second.status()])
    first.Command("true", name="bed")  # fails here
