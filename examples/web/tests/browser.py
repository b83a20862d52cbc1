"""Drives a real browser over its own debugging pipe, with the standard library alone."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from types import TracebackType
from typing import Any, Dict, Optional, Type

PATIENCE = 30
# It reads what it is to do at descriptor 3, and answers at 4.
AT_3_AND_4 = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def find() -> Optional[str]:
    """Returns where Chromium is, or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path is not None), None)


class Browser:
    """A browser without a window, for `async with`."""

    async def __aenter__(self) -> "Browser":
        program = find()
        assert program is not None, "there is no browser"
        self._folder = tempfile.TemporaryDirectory()
        their_end, requests = os.pipe()
        answers, their_answers = os.pipe()
        words = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--window-size=760,420"]
        words += ["--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", AT_3_AND_4, str(their_end), str(their_answers), *words),
            pass_fds=(their_end, their_answers),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(their_end)
        os.close(their_answers)
        self._requests = requests
        self._answers = asyncio.StreamReader(limit=1 << 26)
        loop = asyncio.get_running_loop()
        self._pipe = os.fdopen(answers, "rb")
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._answers), self._pipe)
        self._numbers = itertools.count(1)
        self._waiting: "Dict[int, asyncio.Future[Any]]" = {}
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        await self.call("Browser.close")
        await self._process.wait()
        self._reading.cancel()
        os.close(self._requests)
        self._folder.cleanup()

    async def call(self, method: str, session: Optional[str] = None, **params: Any) -> Any:
        """Has the browser do something; returns what it says."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._waiting[number] = asyncio.get_running_loop().create_future()
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(self._waiting[number], PATIENCE)

    async def _read(self) -> None:
        while True:
            message = json.loads((await self._answers.readuntil(b"\0"))[:-1])
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is None or waiting.done():
                continue
            if "error" in message:
                waiting.set_exception(RuntimeError(message["error"]["message"]))
            else:
                waiting.set_result(message["result"])

    async def open(self, url: str) -> "Page":
        """Opens a page."""
        target = await self.call("Target.createTarget", url=url)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return Page(self, attached["sessionId"])


class Page:
    """A page that is open."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def evaluate(self, expression: str) -> Any:
        """Returns what an expression of JavaScript is in the page; a promise is awaited."""
        found = await self._browser.call("Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Waits until a condition holds in the page."""
        deadline = time.monotonic() + PATIENCE
        while not await self._holds(condition):
            assert time.monotonic() < deadline, f"the page does not become so that {condition}"
            await asyncio.sleep(0.02)

    async def _holds(self, condition: str) -> bool:
        try:
            return bool(await self.evaluate(condition))
        except RuntimeError as error:
            # One page goes and the next one comes.
            if "context" in str(error):
                return False
            raise

    async def type(self, field: str, text: str) -> None:
        """Types into a field, as a user does."""
        await self.evaluate(f"document.querySelector({json.dumps(field)}).focus()")
        await self._browser.call("Input.insertText", self._session, text=text)

    async def press_enter(self) -> None:
        """Presses the key."""
        for kind in ("keyDown", "keyUp"):
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            await self._browser.call("Input.dispatchKeyEvent", self._session, type=kind, **key)

    async def picture(self, path: str) -> None:
        """Writes down what is seen, as PNG."""
        shot = await self._browser.call("Page.captureScreenshot", self._session)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
