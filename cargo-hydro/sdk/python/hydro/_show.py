"""Tables for notebooks."""

from html import escape
from typing import Any, Iterable, Mapping, Sequence

MEMBER_COLUMNS = ("name", "state", "pid", "restarts", "machine", "address", "program")
LINK_COLUMNS = ("service", "member", "port", "direction", "peer", "connected", "messages", "bytes", "queue_messages", "latency_mean_seconds")


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], caption: str) -> str:
    """Writes rows as an HTML table."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(_cell(row.get(column)) for column in columns) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return f"<td>{'' if value is None else escape(str(value))}</td>"
