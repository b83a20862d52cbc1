"""Serves the hooks of a `Hydro.toml`: waits for calls, runs the script's functions, and tells how they ended."""

import inspect
import json
import traceback
import types
from typing import Any, Callable, Dict, Optional

from . import _engine
from ._deployment import Deployment
from ._events import Event
from ._stream import Stream

# Makes a traceback without our own frames of an error.
Describe = Callable[[BaseException], traceback.TracebackException]


async def serve(script: types.ModuleType, describe: Describe) -> None:
    """Runs hooks until the engine says nothing more."""
    calls: "Stream[Dict[str, Any]]" = Stream("hooks.wait", json.loads)
    async for call in calls:
        error = await _run(getattr(script, call["hook"], None), call, describe)
        await _engine.call_async("hooks.done", number=call["number"], error=error)


async def _run(function: Optional[Callable[..., Any]], call: Dict[str, Any], describe: Describe) -> Optional[Dict[str, Any]]:
    if function is None:
        return None
    try:
        result = function(*_arguments(call))
        if inspect.isawaitable(result):
            await result
    except (Exception, SystemExit) as error:
        return _told(describe(error))
    return None


def _arguments(call: Dict[str, Any]) -> "list[Any]":
    deployment = Deployment.__new__(Deployment)
    deployment._begin(call["deployment"])
    exit = call["exit"]
    if exit is None:
        return [deployment]
    event = Event(kind="exited", ts=0, **exit)
    service = deployment.services.get(event.service or "")
    return [deployment, service if service is None or event.member is None else service[event.member], event]


def _told(error: traceback.TracebackException) -> Dict[str, Any]:
    message = "".join(error.format_exception_only()).strip()
    frame = error.stack[-1] if error.stack else None
    return {
        "message": message,
        "file": frame and frame.filename,
        "line": frame and frame.lineno,
        "traceback": "".join(error.stack.format()).rstrip() if len(error.stack) > 1 else None,
    }
