from hydro import Deployment


async def main():
    deployment = Deployment("placed")
    here, there = deployment.Localhost(), deployment.Localhost()
    cloud = deployment.GCPMachine(project="p", zone="europe-west1-b", type="e2-micro")
    print(here.name, there.name, cloud.name)
    one = deployment.Hydroflow(src="src/ticker.hf", on=there, name="one")
    two = deployment.Hydroflow(src="src/ticker.hf", on=cloud, name="two")
    await deployment.deploy()
    await there.terminate()
    print("one:", await one.exit_code())
    print("two:", len(await two.metrics()), "run")
