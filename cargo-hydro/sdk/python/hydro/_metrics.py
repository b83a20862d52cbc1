"""What a running program counts, as `metrics()` returns it. docs/admin.md says what each number means."""

from typing import List, Optional, Tuple, TypedDict


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
