"""The parts of the example and their links, for the script and for the tests."""

from typing import Tuple

from hydro import Deployment, Service


def describe(deployment: Deployment, kind: str) -> Tuple[Service, Service]:
    """Adds all parts, with `sqlite` or `postgres` behind them; returns the web server and the store. Commands are linked by their standard input and output."""
    store = deployment.Hydroflow(src="src/store.hf", name="store")
    server = deployment.Command("python3", "-u", "server.py", "{host}", "{port:http}", name="server")
    if kind == "postgres":
        deployment.Command("python3", "postgres.py", "{data}", "{host}", "{port:sql}", name="postgres")
        where = ["{postgres.host}", "{postgres.port:sql}"]
    else:
        where = ["{data}/rows.db"]
    database = deployment.Command("python3", "-u", "database.py", kind, *where, name="database")

    server.ports.stdout.connect(store.ports.requests)
    store.ports.told.connect(server.ports.stdin)
    store.ports.statements.connect(database.ports.stdin)
    database.ports.stdout.connect(store.ports.stored)
    return server, store


async def address(server: Service) -> str:
    """Waits until the web server listens; returns where."""
    async for line in server.stderr():
        if line == "listening":
            break
    return "http://" + server.resolve()[0]["ports"]["http"]
