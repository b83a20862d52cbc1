"""Becomes a PostgreSQL server with a data folder of its own: `python3 postgres.py FOLDER HOST PORT`. Anybody on this machine may enter it, as `web`."""

import glob
import os
import shutil
import subprocess
import sys
from typing import List, Optional


def find(program: str) -> Optional[str]:
    """Returns where a program of PostgreSQL is; Debian does not put its servers on PATH."""
    installed: List[str] = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))
    return shutil.which(program) or (installed[-1] if installed else None)


def is_here() -> bool:
    """Whether all that is needed is installed."""
    return all(find(program) for program in ("initdb", "postgres", "psql"))


def main() -> None:
    folder, host, port = sys.argv[1:]
    data = os.path.join(folder, "postgres")
    # It refuses to run as root. In a user namespace of its own root has another number, and the same files.
    before = ["unshare", "--user"] if os.geteuid() == 0 else []
    if not os.path.exists(data):
        # Made beside its place: one that was interrupted is begun anew.
        part = data + ".part"
        shutil.rmtree(part, ignore_errors=True)
        words = [find("initdb") or "initdb", "-D", part, "-U", "web", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*before, *words], check=True, stdout=subprocess.DEVNULL)
        os.rename(part, data)
    words = [*before, find("postgres") or "postgres", "-D", data, "-h", host, "-p", port, "-k", ""]
    os.execvp(words[0], words)


if __name__ == "__main__":
    main()
