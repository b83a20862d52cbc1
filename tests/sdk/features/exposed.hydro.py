from hydro import Deployment, HydroError


async def main() -> None:
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    web = deployment.Command(["python3", "-m", "http.server", "{port:http}", "--bind", "127.0.0.1"], name="web")
    server.ports.inbound.expose()
    web.ports.http.expose()
    print(server.ports.inbound.address)
    await deployment.deploy()
    for port in (server.ports.inbound, web.ports.http):
        print(port.name, (port.address or "nowhere").split(":")[0])
    print(server.ports.outbound.address)
    print(server.ports.inbound.address != server.address)
    try:
        server.ports.outbound.expose(listen=8080)
    except HydroError as error:
        print(str(error).splitlines()[0])
    other = deployment.Hydroflow(src="src/server.hf", name="other")
    try:
        other.ports.inbound.expose(listen="nowhere")
    except HydroError as error:
        print(str(error).splitlines()[0])
