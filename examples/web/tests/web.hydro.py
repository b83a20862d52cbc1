"""From the browser to the database and back: each test has all parts for itself. Keys are new in each run, as databases keep theirs."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from hydro import Deployment, Service

sys.path.append(str(Path(__file__).parent.parent))

import browser
import postgres
from parts import address, describe


def ask(url: str, value: "str | None" = None) -> str:
    """Gets a page, or puts a value."""
    request = Request(url) if value is None else Request(url, value.encode(), method="PUT")
    with urlopen(request, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


async def get(url: str) -> str:
    return await asyncio.to_thread(ask, url)


async def put(url: str, value: str) -> Any:
    return json.loads(await asyncio.to_thread(ask, url, value))


class Events:
    """What is told at `/events`, as a browser hears it."""

    def __init__(self, url: str) -> None:
        self._answer = urlopen(f"{url}/events", timeout=30)

    def until(self, key: str) -> Dict[str, Any]:
        """Waits for a row of that key."""
        for row in self._rows():
            if row["key"] == key:
                return row
        raise AssertionError("the events have ended")

    def _rows(self) -> Iterator[Dict[str, Any]]:
        for line in self._answer:
            if line.startswith(b"data: "):
                yield json.loads(line[len(b"data: ") :])


def key() -> str:
    return f"key-{uuid.uuid4().hex[:8]}"


async def check_the_way(url: str, store: Service) -> Tuple[str, str]:
    """Puts a value: who looks hears of it, and it is there after a new start of the store. Returns the key and the value."""
    name, value = key(), "größer 'than' \\ \"1\"\n"
    events = await asyncio.to_thread(Events, url)
    written = await put(f"{url}/rows/{name}", value)
    assert (written["key"], written["value"]) == (name, value), written
    assert await asyncio.to_thread(events.until, name) == written
    assert await get(f"{url}/rows/{name}") == value
    await store.restart()
    assert await get(f"{url}/rows/{name}") == value
    assert written in json.loads(await get(f"{url}/rows"))
    # Whoever looked goes on looking, and sees what is written after the new start.
    later = await put(f"{url}/rows/{name}", "later")
    assert later["version"] > written["version"], later
    assert await asyncio.to_thread(events.until, name) == later
    return name, "later"


async def test_a_value_goes_to_sqlite_and_comes_back(deployment: Deployment) -> None:
    url = await address(deployment.services["server"])
    name, value = await check_the_way(url, deployment.services["store"])
    with sqlite3.connect(".hydro/data/web/database/rows.db") as database:
        assert database.execute("SELECT value FROM rows WHERE key = ?", (name,)).fetchall() == [(value,)]


async def test_a_value_goes_to_postgresql_and_comes_back() -> None:
    if not postgres.is_here():
        print("NOT COVERED: PostgreSQL is not installed")
        return
    deployment = Deployment("web-postgres")
    server, store = describe(deployment, "postgres")
    await deployment.deploy()
    name, value = await check_the_way(await address(server), store)
    [host, port] = deployment.services["postgres"].resolve()[0]["ports"]["sql"].split(":")
    query = f"SELECT value FROM rows WHERE key = '{name}'"
    words = ["psql", "-XqAt", "-h", host, "-p", port, "-U", "web", "-c", query, "postgres"]
    found = await asyncio.to_thread(subprocess.run, words, stdout=subprocess.PIPE, text=True, check=True)
    assert found.stdout == f"{value}\n", found.stdout


async def test_what_is_typed_in_one_browser_is_seen_in_another(deployment: Deployment) -> None:
    if browser.find() is None:
        print("NOT COVERED: there is no Chromium")
        return
    url = await address(deployment.services["server"])
    name = key()

    def shows(value: str) -> str:
        texts = "[...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].slice(0, 2).map((cell) => cell.textContent).join('='))"
        return f"{texts}.includes({json.dumps(f'{name}={value}')})"

    async with browser.Browser() as chromium:
        one, other = await chromium.open(url), await chromium.open(url)
        for page in (one, other):
            await page.until("document.querySelector('#state')?.textContent === 'live'")
        await one.type("[name=key]", name)
        await one.type("[name=value]", "<b>typed</b>")
        await one.press_enter()
        for page in (one, other):
            await page.until(shows("<b>typed</b>"))
        await put(f"{url}/rows/{name}", "put")
        for page in (one, other):
            await page.until(shows("put"))
        # The server goes and comes back; the page finds it again by itself.
        await deployment.services["server"].restart()
        await deployment.services["server"].wait_healthy(timeout=30)
        await put(f"{url}/rows/{name}", "after a restart")
        await other.until(shows("after a restart"))
        if "PICTURE" in os.environ:
            await one.picture(os.environ["PICTURE"])


async def test_what_is_wrong_is_told(deployment: Deployment) -> None:
    url = await address(deployment.services["server"])
    for path, status in (("/rows/" + key(), 404), ("/nowhere", 404)):
        try:
            await get(url + path)
        except HTTPError as error:
            assert error.code == status, error
        else:
            raise AssertionError(f"{path} was found")
    assert await get(f"{url}/health") == "ok\n"
