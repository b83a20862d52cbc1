"""What happens to a deployment."""

import json
from dataclasses import dataclass, fields
from typing import Any, Dict, Optional


@dataclass(frozen=True)
class Event:
    """Something that happened. Which further fields are set depends on `kind`:

    - `started`: `name`, `pid`, `address`
    - `exited`: `name`, `code` or `signal`, `expected` (whether somebody asked for it)
    - `unhealthy` (it runs, but did not answer that it is well, and is ended): `name`, `failures` (in a row), `expected`
    - `paused` (it ended and will be started again): `name`, `pause_ms`, `restarts` (in a row)
    - `gave_up` (a supervisor bears no more restarts): `name`, `group`
    - `unhealthy` (it runs, but did not answer that it is well, and is ended): `name`, `failures` (in a row), `message` (what was waited for)
    - `released` (a deploy is done): `release`
    - `warning`: `message`
    - `missed` (the script read too slowly): `count`
    - `stopped`: the deployment was stopped, nothing follows
    """

    kind: str
    ts: int
    """Milliseconds since 1970."""
    name: Optional[str] = None
    """The member: `service`, or `service.N`."""
    pid: Optional[int] = None
    address: Optional[str] = None
    code: Optional[int] = None
    signal: Optional[int] = None
    expected: Optional[bool] = None
    pause_ms: Optional[int] = None
    restarts: Optional[int] = None
    group: Optional[str] = None
    failures: Optional[int] = None
    release: Optional[int] = None
    message: Optional[str] = None
    count: Optional[int] = None

    @property
    def service(self) -> Optional[str]:
        """The service of the member."""
        return None if self.name is None else self.name.partition(".")[0]

    @property
    def member(self) -> Optional[int]:
        """The member's number, where its service has several."""
        number = "" if self.name is None else self.name.partition(".")[2]
        return int(number) if number else None


_KNOWN = {field.name for field in fields(Event)}


def read(text: str) -> Event:
    """Reads an event; fields of a newer engine are left alone."""
    told: Dict[str, Any] = json.loads(text)
    if told["kind"] == "unhealthy":
        told["message"] = told.pop("expected")
    return Event(**{key: value for key, value in told.items() if key in _KNOWN})
