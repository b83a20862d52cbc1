from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf")
    check = deployment.Hydroflow(src="src/check.hf")
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    print((await check.stdout()).split()[0])
    late = deployment.Hydroflow(src="src/check.hf", name="late")
    stream.ports.out.connect(late.ports.numbers)
    await deployment.deploy()
    print(late.name, (await late.stdout()).split()[0])
    # The one that was there went on.
    print(len(await check.metrics()), "of", ", ".join(deployment.services))
