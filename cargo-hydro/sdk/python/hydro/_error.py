"""What a script gets when the engine refuses something."""

from typing import Any, Dict, List, Optional, Type


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


class NotRunning(HydroError):
    """The service does not run: it was not deployed yet, was stopped, or has ended."""


class ItemRefused(HydroError, ValueError):
    """A program refused an item that the script sent: it does not fit the port's type. The message names the field."""


class TimedOut(HydroError, TimeoutError):
    """It took longer than the script allowed."""


class VersionMismatch(HydroError):
    """This package and the engine speak different versions of the protocol."""


class EngineGone(HydroError, ConnectionError):
    """The engine has ended, and all services with it."""


# By the words of the protocol.
_KINDS: Dict[str, Type[HydroError]] = {
    "unknown-port": UnknownPort,
    "not-running": NotRunning,
    "item-refused": ItemRefused,
    "timed-out": TimedOut,
    "version": VersionMismatch,
}

# Tracebacks name the classes as users import them.
for _class in (HydroError, EngineGone, *_KINDS.values()):
    _class.__module__ = "hydro"


def from_reply(error: Dict[str, Any]) -> HydroError:
    """Makes the exception for the `error` of a reply; fields we do not know are left alone."""
    kind = _KINDS.get(error.get("kind", ""), HydroError)
    where = error.get("origin")
    origin = None
    if where:
        origin = f"{where['file']}:{where['line']}"
        if where.get("column"):
            origin += f":{where['column']}"
    return kind(error.get("message", "unknown error"), error.get("hint"), error.get("causes"), origin, error.get("rendered"))
