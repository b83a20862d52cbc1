from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf")
    slow = deployment.Hydroflow(src="src/slow.hf")
    stream.ports.out.connect(slow.ports.numbers, delivery="lossy")
    await deployment.deploy()
    left_out = 0
    while left_out == 0:
        [metrics] = await stream.metrics()
        left_out = metrics["links"][0]["left_out"]
    print("nobody waits for the slow one")
    await deployment.partition(stream, slow)
    while metrics["links"][0]["connected"]:
        [metrics] = await stream.metrics()
    await deployment.heal()
    while not metrics["links"][0]["connected"]:
        [metrics] = await stream.metrics()
    print("and it goes on after a break")
