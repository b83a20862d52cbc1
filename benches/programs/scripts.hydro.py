"""What a script costs at ports and lines: `hydro run --release scripts.hydro.py`.

The round trip of one item, items sent by many tasks at once and in one call, lines read, and the memory that took."""

import asyncio
import resource
import statistics
import time

from hydro import Deployment, Port, Stream

ROUNDS = 5000
ITEMS = 200_000
LINES = 1_000_000


async def round_trips(inbound: Port, answers: "Stream[str]") -> None:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await inbound.send("hello")
        await answers
        times.append((time.perf_counter() - begun) * 1e6)
    times = sorted(times[ROUNDS // 10 :])
    print(f"round trip: p50 {statistics.median(times):.1f} µs, p99 {times[len(times) * 99 // 100]:.1f} µs")


async def take(answers: "Stream[str]", count: int) -> None:
    for _ in range(count):
        await answers


async def pipelined(inbound: Port, answers: "Stream[str]", together: int) -> None:
    taking = asyncio.ensure_future(take(answers, ITEMS // 10))
    begun = time.perf_counter()
    for _ in range(ITEMS // 10 // together):
        await asyncio.gather(*(inbound.send("hello") for _ in range(together)))
    seconds = time.perf_counter() - begun
    await taking
    print(f"sent by {together} tasks at a time: {ITEMS / 10 / seconds:,.0f} items/s")


async def at_once(inbound: Port, answers: "Stream[str]") -> None:
    taking = asyncio.ensure_future(take(answers, ITEMS))
    begun = time.perf_counter()
    await inbound.send_all("hello" for _ in range(ITEMS))
    await taking
    print(f"sent by `send_all`, with answers: {ITEMS / (time.perf_counter() - begun):,.0f} items/s")


async def lines(deployment: Deployment) -> None:
    writer = deployment.Command("seq", str(LINES))
    await deployment.deploy()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    count = 0
    async for line in writer.stdout():
        count += 1
        assert line == str(count), line
    seconds = time.perf_counter() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{count:,} lines: {count / seconds:,.0f} lines/s, {grown} KiB more memory")


async def main() -> None:
    deployment = Deployment()
    pong = deployment.Hydroflow(src="src/echo_text.hf", name="echo")
    pong.ports.inbound.open()
    await deployment.deploy()
    answers: "Stream[str]" = pong.ports.outbound.receive()
    await round_trips(pong.ports.inbound, answers)
    await pipelined(pong.ports.inbound, answers, 500)
    await at_once(pong.ports.inbound, answers)
    await lines(deployment)
