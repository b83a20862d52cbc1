"""Messages from one service to another, within one process and through shared memory: `hydro run speed.hydro.py --release`."""

from hydro import Deployment

REPETITIONS = 3
COUNTS = {"number": 30_000_000, "line": 10_000_000, "page": 2_000_000}


async def rate(kind: str, count: int, colocate: bool) -> float:
    deployment = Deployment()
    params = {"count": count}
    sender = deployment.Hydroflow(src=f"src/send_{kind}.hf", params=params, colocate=colocate)
    counter = deployment.Hydroflow(src=f"src/count_{kind}.hf", params=params, colocate=colocate)
    sender.ports.out.connect(counter.ports.inp)
    await deployment.deploy()
    async for line in counter.stdout():
        await counter.kill()
        return float(line)
    raise RuntimeError("the counter ended before it had counted")


async def main() -> None:
    for kind, count in COUNTS.items():
        near = max([await rate(kind, count, True) for _ in range(REPETITIONS)])
        far = max([await rate(kind, count, False) for _ in range(REPETITIONS)])
        print(f"{kind:6}  one process {near:7.2f} M/s   two processes {far:7.2f} M/s   {near / far:5.2f}x")
