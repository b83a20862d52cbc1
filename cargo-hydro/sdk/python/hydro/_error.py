"""What a script gets when the engine refuses something."""

from typing import Any, Dict, List, Optional


class HydroError(Exception):
    """The engine refused, or failed at, what the script asked for.

    `message` says what went wrong, `hint` the next step, `causes` why, `origin` the line (`file:line`) of the user's text that it comes
    from, and `rendered` holds whole diagnostics, such as compiler errors at lines of an `.hf` file.
    """

    def __init__(
        self,
        message: str,
        hint: Optional[str] = None,
        causes: Optional[List[str]] = None,
        origin: Optional[str] = None,
        rendered: Optional[List[str]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.causes = causes or []
        self.origin = origin
        self.rendered = rendered or []

    def __str__(self) -> str:
        lines = [self.message]
        if self.origin:
            lines.append(f"  at {self.origin}")
        lines.extend("  " + cause.replace("\n", "\n  ") for cause in self.causes)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UnknownPort(HydroError, AttributeError):
    """A service has no port of that name."""


# Tracebacks name the class as users import it.
HydroError.__module__ = "hydro"
UnknownPort.__module__ = "hydro"


def from_reply(error: Dict[str, Any]) -> HydroError:
    """Makes the exception for the `error` of a reply; fields we do not know are left alone."""
    kind = UnknownPort if error.get("kind") == "unknown-port" else HydroError
    where = error.get("origin")
    origin = None
    if where:
        origin = f"{where['file']}:{where['line']}"
        if where.get("column"):
            origin += f":{where['column']}"
    return kind(error.get("message", "unknown error"), error.get("hint"), error.get("causes"), origin, error.get("rendered"))
