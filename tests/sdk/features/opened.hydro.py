from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    way_in, way_out = "in" + "bound", "out" + "bound"
    # The text does not show which port this is.
    server.ports[way_in].open()
    await deployment.deploy()
    answers = server.ports[way_out].receive()
    await server.ports[way_in].send("found")
    print(await answers)
