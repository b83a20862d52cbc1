"""Items that arrive over time: a service's lines, a port's items."""

import asyncio
from collections import deque
from typing import Any, AsyncIterator, Callable, Deque, Dict, Generator, Generic, Optional, TypeVar

from . import _engine
from ._error import HydroError

T = TypeVar("T")
# How many items the engine may send ahead; it sends more when half of them were taken.
_AHEAD = 1024


class Stream(AsyncIterator[T], Generic[T]):
    """Items over time: `async for item in stream`, or `await stream` for the next one.

    Leaving a loop over it early and going on later loses nothing; `aclose()` ends it.
    """

    def __init__(self, method: str, read: Callable[[str], T], **params: Any) -> None:
        self._method = method
        self._read = read
        self._params = dict(params, ahead=_AHEAD)
        self._inbox: Optional[_Inbox] = None
        self._ask: Optional[_engine.Ask] = None
        self._taken = 0

    def __aiter__(self) -> "Stream[T]":
        return self

    async def __anext__(self) -> T:
        if self._inbox is None:
            inbox = _Inbox()
            ask = await _engine.open_stream(self._method, self._params, inbox)
            if self._inbox is None:
                self._inbox, self._ask = inbox, ask
            else:
                # Another task was faster, or closed it.
                ask.cancel()
        if not self._inbox.has_news() and self._ask is not None:
            if self._ask.look(self._inbox.has_news):
                await asyncio.sleep(0)
        item = await self._inbox.next()
        self._taken += 1
        if self._ask is not None and self._taken == _AHEAD // 2 and not self._inbox.ended:
            self._ask.more(self._taken)
            self._taken = 0
        return self._read(item)

    def __await__(self) -> Generator[Any, None, T]:
        """`await stream` is the next item; at the end it raises `EOFError`."""
        return self._next().__await__()

    async def _next(self) -> T:
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise EOFError("nothing more comes") from None

    async def aclose(self) -> None:
        """Ends the stream; nothing more comes."""
        self._close()
        if self._inbox is None:
            self._inbox = _Inbox()
        self._inbox.close()

    def _close(self) -> None:
        ask, self._ask = self._ask, None
        if ask is not None:
            ask.cancel()

    def __del__(self) -> None:
        self._close()


class _Inbox(_engine.Receiver):
    """What has arrived and was not taken yet."""

    def __init__(self) -> None:
        self._items: Deque[str] = deque()
        self._error: Optional[HydroError] = None
        self._changed: "Optional[asyncio.Future[None]]" = None
        self.ended = False

    def has_news(self) -> bool:
        """Whether `next` need not wait."""
        return bool(self._items) or self.ended

    async def next(self) -> str:
        """Waits for the next item; raises `StopAsyncIteration` at the end."""
        while not self._items:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self.ended:
                raise StopAsyncIteration
            if self._changed is None or self._changed.done():
                self._changed = asyncio.get_running_loop().create_future()
            # Shielded, as several tasks may wait for the same change.
            await asyncio.shield(self._changed)
        return self._items.popleft()

    def close(self) -> None:
        """Forgets what has arrived and ends."""
        self._items.clear()
        self._finish()

    def item(self, value: Any) -> None:
        self._items.append(value)
        self._wake()

    def done(self, value: Any) -> None:
        self._finish()

    def failed(self, error: HydroError) -> None:
        self._error = error
        self._finish()

    def _finish(self) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


def lines(service: Dict[str, Any], stream: str) -> "Stream[str]":
    """Returns the lines a service wrote, from its start on."""
    return Stream("service.logs", str, stream=stream, **service)
