from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf", name="server", count=2)
    server.ports.inbound.open()
    web = deployment.Command("sh", "-c", "echo {port:http}; exec sleep 60", name="web")
    await deployment.deploy()
    print([resolved["address"] == server[n].address for n, resolved in enumerate(server.resolve())])
    [resolved] = web.resolve()
    print(resolved["name"], list(resolved["ports"]))
    print(resolved["ports"]["http"] == "127.0.0.1:" + await web.stdout())
