"""How many commands a second Multi-Paxos commits with 3 acceptors, 5, and a grid of 6, and what becomes of that while the leader is cut off.

`hydro run paxos.hydro.py` prints a table and draws `paxos.svg`; `-- SECONDS` is the length of each of the three phases, before, during and after the cut.
"""

import asyncio
import sys
import time
from typing import Any, Dict

import plot
import system
from hydro import Deployment

CLIENTS, OUTSTANDING = 2, 64
CONFIGURATIONS: Dict[str, Any] = {
    "3 acceptors": {"Majority": 3},
    "5 acceptors": {"Majority": 5},
    "6 acceptors, grid of 2 × 3": {"Grid": {"rows": 2, "columns": 3}},
}


async def measure(name: str, quorums: Any, seconds: float) -> plot.Run:
    """Runs one configuration through the three phases."""
    async with Deployment() as deployment:
        paxos = system.describe(deployment, quorums, CLIENTS, OUTSTANDING)
        await paxos.begin()
        # What clients do in their first moments is not what is asked.
        await asyncio.sleep(0.5)

        begun = time.time()
        await asyncio.sleep(seconds)
        old, cut = paxos.leader, time.time()
        await paxos.cut_off(old)
        await asyncio.sleep(seconds)
        await system.until("another proposer leads", lambda: paxos.leader is not old)
        await paxos.get_on()
        healed = time.time()
        await deployment.heal()
        await asyncio.sleep(seconds)
        await paxos.get_on()
        ended = time.time()

        elected = min(at for (_, proposer), at in paxos.won.items() if at > cut and paxos.proposers[proposer] is not old)
        return plot.Run.of(name, paxos.windows, begun, (cut, healed, ended), elected, await paxos.finish())


async def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    runs = []
    print(f"{'':28}{'commits/s':>16}{'new leader':>24}{'silence':>11}{'one sequence of':>18}")
    print(f"{'':28}{'before':>9}{'during':>9}{'after':>9}{'after, s':>13}{'longest, s':>11}{'commands':>18}")
    for name, quorums in CONFIGURATIONS.items():
        run = await measure(name, quorums, seconds)
        runs.append(run)
        phases = "".join(f"{rate:9,.0f}" for rate in run.means)
        print(f"{name:28}{phases}{run.elected:13.2f}{run.silence:11.1f}{run.applied:18,}")
    with open("paxos.svg", "w", encoding="utf-8") as file:
        file.write(plot.draw(runs, CLIENTS * OUTSTANDING))
    print("drawn: paxos.svg")
