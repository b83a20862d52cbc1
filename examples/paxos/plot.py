"""Draws how many commands were committed over time, as SVG, with the standard library alone. Knows nothing of what ran."""

import json
import math
from dataclasses import dataclass
from html import escape
from typing import Any, Dict, List, Sequence, Tuple

# Seconds for which commits are added up.
BIN = 0.1
WIDTH, LEFT, RIGHT = 820, 84, 28
TOP, PANEL, GAP, BOTTOM = 132, 150, 62, 62
INK, FAINT, GRID, LINE, CUT, NEW = "#1f2937", "#6b7280", "#e5e7eb", "#1d4ed8", "#fde8d7", "#b45309"


@dataclass
class Run:
    """One configuration, with times in seconds since it was measured."""

    name: str
    rates: List[float]
    cut: float
    healed: float
    ended: float
    elected: float
    silence: float
    applied: int

    @classmethod
    def of(
        cls, name: str, windows: Sequence[Dict[str, Any]], begun: float, times: Tuple[float, float, float], new: float, applied: int
    ) -> "Run":
        """Adds up what clients counted; `times` are those of the cut, the healing and the end."""
        cut, healed, ended = (at - begun for at in times)
        rates = [0.0] * int(ended / BIN)
        for window in windows:
            end = window["at_ms"] / 1000 - begun
            _spread(rates, end - window["seconds"], end, window["commits"])
        return cls(name, rates, cut, healed, ended, new - begun - cut, _silence(rates), applied)

    @property
    def means(self) -> Tuple[float, float, float]:
        """Commits per second before, during and after the cut."""
        edges = [0, int(self.cut / BIN), int(self.healed / BIN), len(self.rates)]
        parts = [self.rates[start:end] for start, end in zip(edges, edges[1:])]
        before, during, after = (sum(part) / max(1, len(part)) for part in parts)
        return before, during, after


def _spread(rates: List[float], start: float, end: float, commits: int) -> None:
    """Gives a window's commits to the bins that it lies in."""
    for at in range(max(0, int(start / BIN)), min(len(rates), int(end / BIN) + 1)):
        shared = min(end, (at + 1) * BIN) - max(start, at * BIN)
        if shared > 0:
            rates[at] += commits * shared / (end - start) / BIN


def _silence(rates: List[float]) -> float:
    """Returns the longest time in which next to nothing was committed."""
    longest = here = 0
    for rate in rates:
        here = here + 1 if rate < 0.02 * max(rates) else 0
        longest = max(longest, here)
    return longest * BIN


def _step(most: float) -> float:
    """Returns a round distance of grid lines, for three to six of them."""
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough))
    return float(next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough))


def _text(x: float, y: float, words: str, color: str = INK, size: int = 13, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{more}/>'


DASHED = ' stroke-width="1.5" stroke-dasharray="4 3"'
BOLD = ' font-weight="600"'


def _legend() -> List[str]:
    y = 86
    return [
        _line(LEFT, y - 4, LEFT + 26, y - 4, LINE, ' stroke-width="2"'),
        _text(LEFT + 34, y, "commits per second, mean of 0.1 s"),
        f'<rect x="{LEFT + 282}" y="{y - 13}" width="26" height="17" fill="{CUT}"/>',
        _text(LEFT + 316, y, "the leader is cut off from everybody"),
        _line(LEFT + 582, y - 14, LEFT + 582, y + 4, NEW, DASHED),
        _text(LEFT + 592, y, "another one leads"),
    ]


class _Panel:
    """One configuration's axes: seconds to the right, commits per second upwards."""

    def __init__(self, run: Run, top: float, seconds: float, most: float, step: float) -> None:
        self.run, self.top, self.seconds, self.most, self.step = run, top, seconds, most, step

    def x(self, at: float) -> float:
        return LEFT + min(at, self.seconds) / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        return self.top + PANEL * (1 - rate / self.most)

    def draw(self, is_last: bool) -> List[str]:
        run, bottom = self.run, self.top + PANEL
        width = self.x(run.healed) - self.x(run.cut)
        parts = [
            _text(LEFT, self.top - 27, run.name, more=BOLD),
            f'<rect x="{self.x(run.cut):.1f}" y="{self.top}" width="{width:.1f}" height="{PANEL}" fill="{CUT}"/>',
        ]
        for mark in range(round(self.most / self.step) + 1):
            rate = mark * self.step
            parts += [
                _line(LEFT, self.y(rate), WIDTH - RIGHT, self.y(rate), FAINT if mark == 0 else GRID),
                _text(LEFT - 8, self.y(rate) + 4, f"{rate:,.0f}", FAINT, 12, "end"),
            ]
        for second in range(int(self.seconds) + 1):
            parts.append(_line(self.x(second), bottom, self.x(second), bottom + 4, FAINT))
            if is_last:
                parts.append(_text(self.x(second), bottom + 18, str(second), FAINT, 12, "middle"))
        points = [((at + 0.5) * BIN, rate) for at, rate in enumerate(run.rates)]
        path = " ".join(f"{self.x(at):.1f},{self.y(rate):.1f}" for at, rate in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2" stroke-linejoin="round"/>')
        at = self.x(run.cut + run.elected)
        parts += [
            _line(at, self.top, at, bottom, NEW, DASHED),
            _text(at + 6, self.top + 14, f"after {run.elected:.2f} s", NEW, 12),
        ]
        return parts + self._means()

    def _means(self) -> List[str]:
        run = self.run
        edges = [0.0, run.cut, run.healed, min(run.ended, self.seconds)]
        middles = [(start + end) / 2 for start, end in zip(edges, edges[1:])]
        return [_text(self.x(at), self.top - 9, f"mean {mean:,.0f}", FAINT, 12, "middle") for at, mean in zip(middles, run.means)]


def draw(runs: Sequence[Run], under_way: int) -> str:
    """Returns the plot: one panel for each run, all with the same scales. The numbers stand in its `metadata`."""
    peak = max(max(run.rates) for run in runs)
    step = _step(peak)
    most = math.ceil(peak / step) * step
    seconds = max(len(run.rates) for run in runs) * BIN
    height = TOP + len(runs) * (PANEL + GAP) - GAP + BOTTOM
    middle = TOP + (height - TOP - BOTTOM) / 2
    numbers = [
        {"name": run.name, "cut": run.cut, "elected": run.elected, "healed": run.healed, "commits_per_second": run.rates} for run in runs
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="Inter, \'Helvetica Neue\', Arial, sans-serif">',
        "<title>Commits per second of Multi-Paxos, while its leader is cut off</title>",
        f"<metadata>{escape(json.dumps(numbers))}</metadata>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 34, "Multi-Paxos goes on without its leader", size=20, more=BOLD),
        _text(LEFT, 57, f"Clients with {under_way} commands under way; 3 proposers, 2 proxies and 3 replicas with each kind of acceptors", FAINT),
        *_legend(),
    ]
    for number, run in enumerate(runs):
        parts += _Panel(run, TOP + number * (PANEL + GAP) + 12, seconds, most, step).draw(number == len(runs) - 1)
    parts += [
        _text((LEFT + WIDTH - RIGHT) / 2, height - 10, "seconds", anchor="middle"),
        _text(0, 0, "commits per second", anchor="middle", more=f' transform="translate(20 {middle:.0f}) rotate(-90)"'),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
