from hydro import Deployment


async def main():
    deployment = Deployment("secret", tls="always")
    numbers = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf")
    server = deployment.Hydroflow(src="src/server.hf")
    numbers.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    print((await check.stdout()).split()[0])
    [metrics] = await numbers.metrics()
    print(str(metrics["links"][0]["endpoint"]).replace("dial:", "").split(":")[0])
    # A script has no certificate and is let in all the same.
    await server.ports.inbound.send("psst")
    print(await server.ports.outbound.receive())
