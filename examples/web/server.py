"""The web server: pages for people, a few addresses for programs, and events for whoever looks. `python3 -u server.py HOST PORT`.

It speaks with the store by its standard input and output, one JSON object per line, and knows nothing of databases.

    GET /            the page                       PUT /rows/KEY    keeps the body as the key's value
    GET /rows        all rows                       GET /events      all rows, and each change from then on, as server-sent events
    GET /rows/KEY    one value                      GET /health      whether the store answers
"""

import itertools
import json
import os
import queue
import sys
import threading
from concurrent.futures import Future, TimeoutError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Set
from urllib.parse import unquote

PAGE = Path(__file__).with_name("page.html")
Row = Dict[str, Any]
# How long the store may take, and how often those who look are shown that we live, in seconds.
PATIENCE, PULSE = 5, 15


class Store:
    """The store at the other end of our pipes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: Dict[str, "Future[List[Row]]"] = {}
        self._listeners: Set["queue.SimpleQueue[Row]"] = set()

    def ask(self, want: Any) -> List[Row]:
        """Says what is wanted, and waits for the answer."""
        answer: "Future[List[Row]]" = Future()
        with self._lock:
            request = f"{os.getpid()}-{next(self._numbers)}"
            self._waiting[request] = answer
            print(json.dumps({"id": request, "want": want}))
        try:
            return answer.result(PATIENCE)
        finally:
            with self._lock:
                del self._waiting[request]

    def listen(self) -> "queue.SimpleQueue[Row]":
        """Returns a queue that gets each row that changes."""
        changes: "queue.SimpleQueue[Row]" = queue.SimpleQueue()
        with self._lock:
            self._listeners.add(changes)
        return changes

    def leave(self, changes: "queue.SimpleQueue[Row]") -> None:
        """Ends what `listen` began."""
        with self._lock:
            self._listeners.discard(changes)

    def read(self) -> None:
        """Hears what the store says, as long as it does."""
        for line in sys.stdin:
            told = json.loads(line)
            with self._lock:
                if "Changed" in told:
                    for listener in self._listeners:
                        listener.put(told["Changed"])
                else:
                    # Who has waited too long, or asked an earlier start of ours, does not wait any more.
                    answer = self._waiting.get(told["Answer"]["id"])
                    if answer is not None:
                        answer.set_result(told["Answer"]["rows"])


class Handler(BaseHTTPRequestHandler):
    """One connection of a browser or a program."""

    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self) -> None:
        try:
            self._get()
        except TimeoutError:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "the store does not answer; try again\n")

    def _get(self) -> None:
        if self.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", PAGE.read_text("utf-8"))
        elif self.path == "/rows":
            self._send_json(self.store.ask("All"))
        elif self.path.startswith("/rows/"):
            rows = self.store.ask({"Get": {"key": self._key()}})
            self._send(*((HTTPStatus.OK, "text/plain; charset=utf-8", rows[0]["value"]) if rows else (HTTPStatus.NOT_FOUND, "text/plain", "no such key\n")))
        elif self.path == "/events":
            self._send_events()
        elif self.path == "/health":
            self.store.ask({"Get": {"key": ""}})
            self._send(HTTPStatus.OK, "text/plain", "ok\n")
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", "nothing is here\n")

    def do_PUT(self) -> None:
        value = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith("/rows/") or not self._key():
            self._send(HTTPStatus.NOT_FOUND, "text/plain", "values are put at /rows/KEY\n")
            return
        try:
            [row] = self.store.ask({"Put": {"key": self._key(), "value": value.decode("utf-8")}})
            self._send_json(row)
        except UnicodeDecodeError:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", "a value is UTF-8\n")
        except TimeoutError:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "nobody knows yet whether it is written; try again\n")

    def _key(self) -> str:
        return unquote(self.path[len("/rows/") :])

    def _send_events(self) -> None:
        changes = self.store.listen()
        try:
            rows = self.store.ask("All")
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Connection", "close")
            self.end_headers()
            for row in rows:
                self._send_event(row)
            while True:
                try:
                    self._send_event(changes.get(timeout=PULSE))
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            self.close_connection = True
            self.store.leave(changes)

    def _send_event(self, row: Row) -> None:
        self.wfile.write(f"data: {json.dumps(row)}\n\n".encode())

    def _send_json(self, value: Any) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(value) + "\n")

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: Any) -> None:
        """Logs to standard error, as standard output belongs to the store."""
        print(format % words, file=sys.stderr)


class Server(ThreadingHTTPServer):
    """A thread for each connection; those that only look do not keep it from ending."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of those who leave before they are answered."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    host, port = sys.argv[1:]
    Handler.store = Store()
    server = Server((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", file=sys.stderr)
    Handler.store.read()


if __name__ == "__main__":
    main()
