from hydro import Deployment, HydroError


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    client = deployment.Hydroflow(src="src/client.hf", params={"name": "it's 1", "count": 2})
    client.ports.outbound.connect(server.ports.inbound)
    server.ports.outbound.connect(client.ports.inbound)
    await deployment.deploy()
    lines = client.stdout()
    print(await lines, await lines, sep="\n")
    wrong = Deployment("wrong")
    wrong.Hydroflow(src="src/numbers.hf", params={"count": "many"})
    try:
        await wrong.deploy()
    except HydroError as error:
        print(error.causes[0].splitlines()[1].strip())
