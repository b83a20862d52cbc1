"""A page that shows what is in a database, live: browser, web server, key-value store as dataflow, database.

`hydro run web.hydro.py` takes PostgreSQL where it is installed, and SQLite elsewhere; `-- sqlite` or `-- postgres` says which. Ctrl-C ends it.
"""

import sys

import postgres
from hydro import Deployment
from parts import address, describe


async def main() -> None:
    kind = sys.argv[1] if len(sys.argv) > 1 else "postgres" if postgres.is_here() else "sqlite"
    deployment = Deployment("web")
    server, _ = describe(deployment, kind)
    await deployment.deploy()
    print(f"{await address(server)}/ shows what is in {'PostgreSQL' if kind == 'postgres' else 'SQLite'}; Ctrl-C ends it")
    await server.exit_code()
