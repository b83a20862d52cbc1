"""The two ways to the engine: a blocking connection for plain methods, one per event loop for `async` ones. Both reach one session."""

import asyncio
import json
import os
import socket
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _launch
from ._error import EngineGone, HydroError, from_reply

# Of the protocol, as docs/script-protocol.md describes it.
PROTOCOL = 1
VERSION = "0.1.0"
# How many items one request may hold.
_TOGETHER = 1000
# Bytes read at a time.
_CHUNK = 256 << 10
# For how long at most an answer is looked for before the loop is asked to wake us, and below which it is not worth it; in seconds.
_PATIENCE = 100e-6
_LEAST = 10e-6
# After so many looks other tasks have their turn.
_FAIR = 16

# All of our own files are under this folder; frames there are no user's.
SDK = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def as_json(value: Any) -> str:
    """Writes a value as JSON text."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise HydroError(f"this cannot be written as JSON: {error}") from None


def caller() -> Optional[Dict[str, Any]]:
    """Returns the line of the user's own code that called into this package."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and os.path.abspath(frame.f_code.co_filename).startswith(SDK):
        frame = frame.f_back
    return None if frame is None else {"file": frame.f_code.co_filename, "line": frame.f_lineno}


def call(method: str, **params: Any) -> Any:
    """Asks the engine and waits for the answer."""
    return _blocking().call(method, params)


async def call_async(method: str, **params: Any) -> Any:
    """Asks the engine without keeping the event loop from other work."""
    channel = _ready() or await _channel()
    answer = channel.future()
    number = channel.ask(method, params, _Waiting(answer))
    try:
        return await answer
    except asyncio.CancelledError:
        channel.cancel(number)
        raise


async def send(owner: Dict[str, Any], port: str, item: str) -> None:
    """Sends an item to a port, together with others that wait for the same."""
    channel = _ready() or await _channel()
    outbox = channel.outbox(owner, port)
    sent = outbox.add(item)
    # Sends of several tasks go together when they are let; one task that sends again and again waits for each.
    task = asyncio.current_task()
    if outbox.last_task is task and channel.look(sent.done):
        await asyncio.sleep(0)
    outbox.last_task = task
    await sent


async def open_stream(method: str, params: Dict[str, Any], receiver: "Receiver") -> "Ask":
    """Starts a stream; what comes goes to `receiver`."""
    channel = _ready() or await _channel()
    return Ask(channel, channel.ask(method, params, receiver))


class Receiver:
    """Takes what comes back for one request. Called in the event loop."""

    def item(self, value: Any) -> None:
        """Takes one item of a stream."""

    def done(self, value: Any) -> None:
        """Takes the result, or the end of a stream."""

    def failed(self, error: HydroError) -> None:
        """Takes the error that ended the request."""


class Ask:
    """A request that was sent and is still being answered."""

    def __init__(self, channel: "_Channel", number: int) -> None:
        self._channel = channel
        self._number = number

    def more(self, count: int) -> None:
        """Lets the engine send `count` more items."""
        self._channel.send("stream.more", {"stream": self._number, "count": count})

    def look(self, is_there: Callable[[], bool]) -> bool:
        """Reads for a moment, until something is there; returns whether other tasks must have their turn."""
        return self._channel.look(is_there)

    def cancel(self) -> None:
        """Tells the engine that nobody listens any more. May be called from any thread."""
        self._channel.call_soon(lambda: self._channel.cancel(self._number))


class _Waiting(Receiver):
    """A future that gets the one answer."""

    def __init__(self, answer: "asyncio.Future[Any]") -> None:
        self._answer = answer

    def done(self, value: Any) -> None:
        if not self._answer.done():
            self._answer.set_result(value)

    def failed(self, error: HydroError) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)


class _Outbox(Receiver):
    """Items for one port: those that are given while others are on their way go together, in order."""

    def __init__(self, channel: "_Channel", owner: Dict[str, Any], port: str) -> None:
        self._channel = channel
        self._params = dict(owner, port=port)
        self._waiting: "List[Tuple[str, asyncio.Future[None]]]" = []
        self._sent: "List[asyncio.Future[None]]" = []
        # Who sent last.
        self.last_task: "Optional[asyncio.Task[Any]]" = None

    def add(self, item: str) -> "asyncio.Future[None]":
        """Takes an item; the future is done when it was sent."""
        sent = self._channel.future()
        self._waiting.append((item, sent))
        if not self._sent:
            self._flush()
        return sent

    def done(self, value: Any) -> None:
        for sent in self._sent:
            if not sent.done():
                sent.set_result(None)
        self._flush()

    def failed(self, error: HydroError) -> None:
        for sent in self._sent:
            if not sent.done():
                sent.set_exception(error)
        self._flush()

    def _flush(self) -> None:
        # Who was cancelled in the meantime sends nothing.
        batch = [(item, sent) for item, sent in self._waiting[:_TOGETHER] if not sent.done()]
        del self._waiting[:_TOGETHER]
        self._sent = [sent for _, sent in batch]
        if not batch:
            return
        items: Dict[str, Any] = {"item": batch[0][0]} if len(batch) == 1 else {"items": [item for item, _ in batch]}
        try:
            self._channel.ask("port.send", {**self._params, **items}, self)
        except HydroError as error:
            self.failed(error)


class _Channel:
    """The connection of one event loop. No task reads it, so that it still works while the loop cancels its tasks at the end.

    The loop only tells when there is something to read; who waits for an answer that usually comes at once looks for it first (`look`), as waking up takes
    longer than the answer.
    """

    def __init__(self, path: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open = False
        self._rest = bytearray()
        # What the socket did not take yet.
        self._unsent = bytearray()
        self._asked: Dict[int, Receiver] = {}
        self._last = 0
        self._outboxes: Dict[Tuple[Any, ...], _Outbox] = {}
        # How long it is worth looking, in seconds.
        self._patience = _PATIENCE
        self._looks = 0
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._open = True
        self._loop.add_reader(self._socket.fileno(), self._read)

    def future(self) -> "asyncio.Future[Any]":
        """Makes a future of its loop."""
        return self._loop.create_future()

    def outbox(self, owner: Dict[str, Any], port: str) -> _Outbox:
        """Returns where items for a port go."""
        key = (owner["deployment"], owner["service"], owner.get("member"), port)
        found = self._outboxes.get(key)
        if found is None:
            found = self._outboxes[key] = _Outbox(self, owner, port)
        return found

    def look(self, is_there: Callable[[], bool]) -> bool:
        """Reads for a moment, until something is there. Looks less long where that was in vain lately, and longer again where it was not.

        Returns whether other tasks have waited long enough: then the caller has to let them work.
        """
        if self._patience < _LEAST or not self._open:
            # Now and then it is worth a try.
            self._patience += _LEAST / 16
            return False
        end = time.perf_counter() + self._patience
        while self._open:
            self._read()
            if is_there():
                self._patience = min(_PATIENCE, self._patience * 2)
                break
            if time.perf_counter() > end:
                self._patience /= 2
                break
        self._looks += 1
        return self._looks % _FAIR == 0

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        start = len(self._rest)
        self._rest += data
        if self._rest.find(b"\n", start) < 0:
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            self._take(json.loads(line))

    def _write(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.close()
            raise _gone() from None
        if sent < len(data):
            self._unsent += data[sent:]
            self._loop.add_writer(self._socket.fileno(), self._write_rest)

    def _write_rest(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        if not self._unsent:
            self._loop.remove_writer(self._socket.fileno())

    def close(self) -> None:
        """Ends it; whoever waits learns that the engine is gone."""
        if not self._open:
            return
        self._open = False
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        asked, self._asked = self._asked, {}
        for receiver in asked.values():
            receiver.failed(_gone())

    def __del__(self) -> None:
        self._socket.close()

    def _take(self, reply: Dict[str, Any]) -> None:
        number = reply.get("id", 0)
        if number == 0:
            # The engine could not even read which request it was; nobody shall wait for ever.
            asked, self._asked = self._asked, {}
            for waiting in asked.values():
                waiting.failed(from_reply(reply.get("error", {})))
            return
        if "item" in reply:
            receiver = self._asked.get(number)
            if receiver is not None:
                receiver.item(reply["item"])
            return
        receiver = self._asked.pop(number) if number in self._asked else None
        if receiver is None:
            return
        if "error" in reply:
            receiver.failed(from_reply(reply["error"]))
        else:
            receiver.done(reply.get("result"))

    def usable(self) -> bool:
        """Whether the engine is still at the other end."""
        return self._open

    def ask(self, method: str, params: Dict[str, Any], receiver: Receiver) -> int:
        """Sends a request; returns its number."""
        number = self.send(method, params)
        self._asked[number] = receiver
        return number

    def send(self, method: str, params: Dict[str, Any]) -> int:
        """Sends a request without caring for the answer; returns its number."""
        number = self._last + 1
        line = _line(number, method, params)
        if not self._open:
            raise _gone()
        self._last = number
        self._write(line)
        return number

    def cancel(self, number: int) -> None:
        """Ends a request that nobody waits for any more."""
        if self._asked.pop(number, None) is not None and self.usable():
            self.send("cancel", {"request": number})

    def call_soon(self, action: Callable[[], None]) -> None:
        """Runs `action` in the loop's thread, if the loop still runs."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)


class _Blocking:
    """The connection of plain methods."""

    def __init__(self) -> None:
        path = _socket_path()
        self._lock = threading.Lock()
        self._last = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise EngineGone(f"the engine does not answer: {error.strerror}", _START_HINT) from None
        self._reader = self._socket.makefile("rb")
        self.call("hello", _hello())

    def call(self, method: str, params: Dict[str, Any]) -> Any:
        """Sends a request and waits for its answer."""
        with self._lock:
            number = self._last + 1
            line = _line(number, method, params)
            self._last = number
            try:
                self._socket.sendall(line)
                while True:
                    reply = self._read()
                    if reply.get("id") in (number, 0):
                        break
            except OSError:
                raise _gone() from None
        if "error" in reply:
            raise from_reply(reply["error"])
        return reply.get("result")

    def _read(self) -> Dict[str, Any]:
        line = self._reader.readline()
        if not line.endswith(b"\n"):
            raise _gone()
        reply: Dict[str, Any] = json.loads(line)
        return reply


_START_HINT = "start the script with `hydro run SCRIPT`"
_the_blocking: Optional[_Blocking] = None
_channels: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[_Channel]]" = weakref.WeakKeyDictionary()


def _blocking() -> _Blocking:
    global _the_blocking
    if _the_blocking is None:
        _the_blocking = _Blocking()
    return _the_blocking


def _ready() -> Optional[_Channel]:
    """Returns the loop's connection, where it is there already."""
    opening = _channels.get(asyncio.get_running_loop())
    if opening is None or not opening.done() or opening.cancelled() or opening.exception():
        return None
    channel = opening.result()
    return channel if channel.usable() else None


async def _channel() -> _Channel:
    loop = asyncio.get_running_loop()
    opening = _channels.get(loop)
    if opening is None or (opening.done() and (opening.cancelled() or opening.exception() or not opening.result().usable())):
        opening = loop.create_task(_open())
        _channels[loop] = opening
    # One caller's cancellation must not take the connection from the others.
    return await asyncio.shield(opening)


async def _open() -> _Channel:
    path = _socket_path()
    try:
        channel = _Channel(path)
    except OSError as error:
        raise EngineGone(f"the engine does not answer: {error.strerror}", _START_HINT) from None
    answer: "asyncio.Future[Any]" = asyncio.get_running_loop().create_future()
    channel.ask("hello", _hello(), _Waiting(answer))
    await answer
    return channel


def _socket_path() -> str:
    if not os.environ.get(_launch.SOCKET):
        _launch.start()
    return os.environ[_launch.SOCKET]


def _hello() -> Dict[str, Any]:
    session = os.environ.get(_launch.SESSION, "")
    return {"session": session, "client": "python", "version": VERSION, "protocol": PROTOCOL}


def _line(number: int, method: str, params: Dict[str, Any]) -> bytes:
    return as_json({"id": number, "method": method, "params": params}).encode() + b"\n"


def _gone() -> HydroError:
    return EngineGone("the engine is gone, and all services with it", "what it said last stands above, if it could say anything")
