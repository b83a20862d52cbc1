"""Keeps rows in SQLite or in PostgreSQL: `python3 -u database.py sqlite FILE`, or `… postgres HOST PORT`.

What is to be done comes by standard input, and what is done goes out by standard output, one JSON object per line.
Nothing is installed for PostgreSQL: its own `psql`, which stays open, is the way in.
"""

import json
import sqlite3
import subprocess
import sys
import time
from typing import Any, Dict, List, Union

Row = Dict[str, Any]
TABLE = "CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, value TEXT NOT NULL, version BIGINT NOT NULL)"
# The newer of two versions stays, whichever is written later.
UPSERT = (
    "INSERT INTO rows VALUES ({}, {}, {}) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version"
    " WHERE excluded.version > rows.version"
)
# How long PostgreSQL may take until it answers the first time, in seconds.
PATIENCE = 60


class Sqlite:
    """A file."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(TABLE)

    def rows(self) -> List[Row]:
        found = self._connection.execute("SELECT key, value, version FROM rows")
        return [{"key": key, "value": value, "version": version} for key, value, version in found]

    def write(self, row: Row) -> None:
        self._connection.execute(UPSERT.format("?", "?", "?"), (row["key"], row["value"], row["version"]))


class Postgres:
    """A server, asked by `psql`."""

    def __init__(self, host: str, port: str) -> None:
        words = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", "web", "postgres"]
        deadline = time.monotonic() + PATIENCE
        while subprocess.run([*words, "-c", TABLE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > deadline:
                sys.exit(f"PostgreSQL does not answer at {host}:{port}")
            time.sleep(0.1)
        self._psql = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rows(self) -> List[Row]:
        found = self._ask("SELECT json_build_object('key', key, 'value', value, 'version', version) FROM rows")
        return [json.loads(line) for line in found]

    def write(self, row: Row) -> None:
        # As hexadecimal digits a text says nothing to `psql` or to SQL.
        key, value = (f"convert_from('\\x{text.encode().hex()}', 'UTF8')" for text in (row["key"], row["value"]))
        self._ask(UPSERT.format(key, value, int(row["version"])))

    def _ask(self, statement: str) -> List[str]:
        """Has a statement done; returns the lines of its result."""
        assert self._psql.stdin is not None and self._psql.stdout is not None
        self._psql.stdin.write(f"{statement};\n\\echo done\n")
        self._psql.stdin.flush()
        lines: List[str] = []
        for line in self._psql.stdout:
            if line == "done\n":
                return lines
            lines.append(line)
        sys.exit("psql has ended")


def main() -> None:
    kind, *where = sys.argv[1:]
    database: Union[Sqlite, Postgres] = Sqlite(*where) if kind == "sqlite" else Postgres(*where)
    for line in sys.stdin:
        statement = json.loads(line)
        if statement == "Load":
            print(json.dumps({"Loaded": database.rows()}))
        else:
            database.write(statement["Write"]["row"])
            print(json.dumps({"Written": statement["Write"]}))


if __name__ == "__main__":
    main()
