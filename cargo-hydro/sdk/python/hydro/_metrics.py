"""What a running program counts, as `metrics()` returns it. docs/admin.md says what each number means."""

from typing import Any, Dict, Iterable, List, Optional, Tuple, TypedDict


class Latency(TypedDict):
    """How long it took until items were worked on; a bucket is a limit in seconds and how many samples are not above it."""

    buckets: List[Tuple[float, int]]
    sum_seconds: float
    count: int


class LinkMetrics(TypedDict):
    """One link of a member."""

    port: str
    direction: str
    peer: Optional[str]
    endpoint: Optional[str]
    connected: bool
    messages: int
    bytes: int
    resent: int
    queue_bytes: int
    queue_messages: int
    in_flight_bytes: int
    window_bytes: int
    left_out: int
    connections: int
    reconnects: int
    restarts: int
    last_heard_seconds: Optional[float]
    latency: Latency


class PortMetrics(TypedDict):
    """One port of a member."""

    port: str
    dropped: int


class Metrics(TypedDict):
    """One member."""

    program: str
    deployment: str
    service: str
    member: int
    uptime_seconds: float
    ticks: int
    busy_seconds: float
    tick_running_seconds: float
    links: List[LinkMetrics]
    ports: List[PortMetrics]


# What a member counts by itself, and what of a link has no single value.
_OF_MEMBER = ("deployment", "service", "member", "uptime_seconds", "ticks", "busy_seconds")


def rows(metrics: Iterable[Metrics]) -> List[Dict[str, Any]]:
    """Makes one flat row of each link, with what its member counts: what `pandas.DataFrame(...)` takes. A member without links has one row."""
    table: List[Dict[str, Any]] = []
    for each in metrics:
        member = {key: each[key] for key in _OF_MEMBER}  # type: ignore[literal-required]
        links: List[Any] = list(each["links"]) or [{}]
        for link in links:
            latency = link.get("latency") or {"sum_seconds": 0.0, "count": 0}
            mean = latency["sum_seconds"] / latency["count"] if latency["count"] else None
            plain = {key: value for key, value in link.items() if key != "latency"}
            table.append({**member, **plain, "latency_mean_seconds": mean, "latency_count": latency["count"]})
    return table
