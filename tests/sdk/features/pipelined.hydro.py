import asyncio

from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src="src/server.hf")
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    # Whoever sends much must read meanwhile: what nobody reads makes the senders wait.
    sending = asyncio.gather(*(server.ports.inbound.send(f"word {number}") for number in range(5000)))
    got = [await answers for _ in range(5000)]
    await sending
    print(got == [f"WORD {number}" for number in range(5000)], got[-1])
