from hydro import Deployment


async def main():
    deployment = Deployment()
    one, other = deployment.Localhost(), deployment.Localhost()
    deployment.Command("sleep", "60", name="first", on=one)
    deployment.Command("sleep", "60", name="second", on=other)
    await deployment.deploy()
    await one.terminate()
    print([(member["name"], member["machine"], member["state"]) for member in deployment.status()])
