"""How a deployment is, and what a deploy would change of it."""

from typing import Dict, List, Optional, TypedDict


class MemberState(TypedDict):
    """How a member is; `state` is `new`, `up`, `paused` before a restart, `starting`, `stopping` or `down`."""

    name: str
    service: str
    machine: str
    program: str
    state: str
    pid: Optional[int]
    address: Optional[str]
    restarts: int
    ended: Optional[str]


class Resolved(TypedDict):
    """What peers need to reach a member: its address, and the ports of a command by their names in `{port:NAME}`."""

    name: str
    address: Optional[str]
    ports: Dict[str, str]


class Restart(TypedDict):
    """Why a member would be started again."""

    member: str
    because: List[str]


class _Targets(TypedDict, total=False):
    targets: Dict[str, str]


class Changes(_Targets):
    """What a deploy would change of what runs: members that start, stop, start again or learn of other peers, and links as `from → to`; `targets` has
    what services are built for that start, where that is not this machine."""

    start: List[str]
    stop: List[str]
    restart: List[Restart]
    rewire: List[str]
    link: List[str]
    unlink: List[str]
    supervision: bool
