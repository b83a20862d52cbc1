from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1}, colocate=True)
    check = deployment.Hydroflow(src="src/check.hf", colocate=True)
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    print((await check.stdout()).split()[0])
    [metrics] = await stream.metrics()
    print(metrics["links"][0]["peer"], "by", str(metrics["links"][0]["endpoint"]).replace("dial:", "").split(":")[0])
