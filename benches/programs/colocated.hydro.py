"""Messages between two services of one process, for so many seconds: `hydro run --release colocated.hydro.py throughput 0.25`.

`throughput` sends one way, `roundtrip` asks and waits for the answer. What a program reports is printed as it is."""

import sys

from hydro import Deployment, Service


async def main() -> None:
    kind, seconds = sys.argv[1], float(sys.argv[2])
    one_way = kind == "throughput"
    deployment = Deployment()

    def service(name: str, **params: float) -> Service:
        return deployment.Hydroflow(src=f"src/{name}_pair.hf", params=params, colocate=True)

    sender = service("send" if one_way else "ping", seconds=seconds)
    receiver = service("count" if one_way else "pong")
    sender.ports.outbound.connect(receiver.ports.inbound)
    if not one_way:
        receiver.ports.outbound.connect(sender.ports.inbound)
    await deployment.deploy()
    # What reports also ends the process, of which it is a part.
    async for line in (receiver if one_way else sender).stdout():
        if line.startswith("RESULT"):
            print(line, flush=True)
            return
    raise RuntimeError("the programs ended before they reported")
