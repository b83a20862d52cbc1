from hydro import Deployment, ItemRefused


async def main():
    deployment = Deployment()
    waits = deployment.Hydroflow(src="src/waits.hf", name="waits")
    await deployment.deploy()
    inbound, outbound = waits.ports.waits, waits.ports.seconds
    seconds = outbound.receive()
    await inbound.send(["a", {"secs": 1, "nanos": 0}])
    print(await seconds)
    for wrong in (["b", {"secs": 1}], ["b", {"secs": "two", "nanos": 0}], 7):
        await inbound.send(wrong)
        try:
            print(await seconds)
        except ItemRefused as error:
            print(error.message)
        seconds = outbound.receive()
        try:
            await inbound.send(["c", {"secs": 2, "nanos": 0}])
        except ItemRefused:
            # Who only sends learns it with the next send.
            await inbound.send(["c", {"secs": 2, "nanos": 0}])
        print(await seconds)
    await inbound.send("far")
    await seconds  # fails here
