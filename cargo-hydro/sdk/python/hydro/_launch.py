"""Scripts that nobody started with `hydro run`: plain `python3 x.py`, and notebooks.

A script that only defines `main` is handed to `hydro run` as a whole, so that both ways are one. For everything else an engine is started beside this process
when it is first needed; it ends with this process, whatever ends it.
"""

import ast
import atexit
import json
import os
import shutil
import subprocess
import sys
from typing import Dict, List, Optional

from . import _intent
from ._error import HydroError

SOCKET = "HYDRO_ENGINE_SOCKET"
SESSION = "HYDRO_SESSION"
_HINT = "put the folder of `hydro` on PATH, or start the script with `hydro run SCRIPT`"
_engine: "Optional[subprocess.Popen[str]]" = None


def hand_over() -> None:
    """Becomes `hydro run`, if this process runs a script that defines `main` and leaves calling it to others."""
    path = _script()
    if SOCKET in os.environ or path is None or sys.flags.interactive or not _only_defines_main(path):
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.environ["HYDRO_PYTHON"] = sys.executable
    # As it was written: the script sees it as `sys.argv[0]`, and its errors name it so.
    shown = sys.argv[0] if os.path.abspath(sys.argv[0]) == path else path
    words = [_program(), "run", shown]
    os.execv(words[0], words + (["--", *sys.argv[1:]] if sys.argv[1:] else []))


def start() -> None:
    """Starts an engine for this process, and tells where it is as `hydro run` would."""
    global _engine
    script = _script()
    words: List[str] = [_program(), "session"]
    if script is not None:
        words += ["--script", script]
        try:
            with open(script, "rb") as file:
                _intent.read(file.read())
        except (OSError, SyntaxError, ValueError):
            # Then its inputs have to be opened by hand.
            pass
    else:
        _intent.feeds_anything = True
    # In a session of its own: Ctrl-C is for the script, which may still need the engine to clean up.
    _engine = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert _engine.stdout is not None
    line = _engine.stdout.readline()
    if not line:
        raise HydroError("the engine could not be started; its own words are above", _HINT)
    told: Dict[str, str] = json.loads(line)
    os.environ[SOCKET], os.environ[SESSION] = told["socket"], told["session"]
    atexit.register(_end)


def _end() -> None:
    """Lets the engine stop what runs, and waits for it: what it says belongs before the shell's prompt."""
    if _engine is not None and _engine.stdin is not None:
        _engine.stdin.close()
        _engine.wait()


def _script() -> Optional[str]:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.abspath(path) if path and os.path.isfile(path) else None


def _program() -> str:
    found = shutil.which("hydro") or shutil.which("cargo-hydro")
    if found is None:
        raise HydroError("cannot find `hydro`, the engine of scripts, on PATH", _HINT)
    return found


def _only_defines_main(path: str) -> bool:
    if not path.endswith(".py"):
        return False
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return False
    defines = any(isinstance(node, ast.AsyncFunctionDef) and node.name == "main" for node in tree.body)
    others = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    names = {node.id for other in others for node in ast.walk(other) if isinstance(node, ast.Name)}
    return defines and not names & {"main", "__name__"}
