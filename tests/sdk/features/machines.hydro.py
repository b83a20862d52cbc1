from hydro import Deployment, GCPMachine, Localhost, SSHMachine


async def main():
    deployment = Deployment()
    here = Localhost(deployment)
    cloud = GCPMachine(deployment, project="p", zone="z", type="t")
    print(here, deployment.Localhost(), cloud, isinstance(cloud, type(here).__mro__[1]))
    deployment.Command("true", on=here)
    await deployment.deploy()
    print(deployment.status()[0]["machine"])
    print(SSHMachine(deployment, "example.org", user="me", port=2222, key="id", known_hosts="known", libc="musl"))
    try:
        deployment.SSHMachine("example.org", libc="new")
    except Exception as error:
        print(error)
