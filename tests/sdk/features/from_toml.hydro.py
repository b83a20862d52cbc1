from hydro import Deployment


async def main():
    deployment = Deployment.from_toml("from_toml.toml")
    print(deployment.name, "has", ", ".join(deployment.services))
    await deployment.deploy()
    async for line in deployment.services["counter"].stdout():
        if line.startswith("4 numbers"):
            print(line)
            break
