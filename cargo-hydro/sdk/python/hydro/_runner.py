"""The program around a user's script: loads it, runs `main()` or one test, and shows failures without our own frames.

Four words: `run SCRIPT [ARGS]`, `test SCRIPT FUNCTION`, `hooks SCRIPT`, and `list SCRIPT…`, which reads tests without importing anything.
"""

import ast
import asyncio
import inspect
import io
import json
import os
import signal
import sys
import traceback
import types
from typing import Any, Awaitable, Callable, Dict, Iterator, List, NoReturn, Optional, Set, Tuple, Type, Union

from . import _engine, _hooks, _intent
from ._deployment import Deployment
from ._error import HydroError

INTERRUPTED = 130
_OLDEST = (3, 9)


def main() -> NoReturn:
    """Does what the arguments say and ends the process."""
    if sys.version_info < _OLDEST:
        sys.exit(f"error: scripts need Python {_OLDEST[0]}.{_OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    word, rest = sys.argv[1], sys.argv[2:]
    if word == "list":
        print(json.dumps([_listing(path) for path in rest]))
        sys.exit(0)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a script prints is seen at once, also through a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    interruption = _Interruption(shows_place=word == "test")
    try:
        {"run": _run, "test": _test, "hooks": _serve_hooks}[word](rest, interruption)
        code = 0
    except SystemExit as leaving:
        code = _exit_code(leaving.code)
    except BaseException as error:
        code = _report(error, interruption)
    _flush()
    sys.exit(INTERRUPTED if interruption.happened else code)


def _run(words: List[str], interruption: "_Interruption") -> None:
    script = _load(words[0], words)
    function = getattr(script, "main", None)
    if not callable(function):
        raise HydroError(f"`{words[0]}` has no function `main`", "write `async def main():` and do the work in it")
    if inspect.iscoroutinefunction(function):
        asyncio.run(interruption.guard(function()))
        return
    result = function()
    if inspect.isawaitable(result):
        asyncio.run(interruption.guard(result))


def _test(words: List[str], interruption: "_Interruption") -> None:
    path, name = words
    script = _load(path, [path])
    function = getattr(script, name, None)
    if function is None:
        raise HydroError(f"`{path}` has no function `{name}` once it is loaded")
    asyncio.run(interruption.guard(_with_deployment(function)))


def _serve_hooks(words: List[str], interruption: "_Interruption") -> None:
    script = _load(words[0], words)
    asyncio.run(interruption.guard(_hooks.serve(script, _described)))


async def _with_deployment(function: Callable[..., Awaitable[None]]) -> None:
    """Runs a test; one that asks for `deployment` gets the workspace's, running already."""
    wanted = list(inspect.signature(function).parameters)
    unknown = [name for name in wanted if name != "deployment"]
    if unknown:
        raise HydroError(f"the test wants `{unknown[0]}`, which nothing provides", "a test takes `deployment` or nothing")
    if not wanted:
        await function()
        return
    deployment = Deployment._of_workspace()
    if deployment.services:
        await deployment.deploy()
    await function(deployment)


def _load(path: str, argv: List[str]) -> types.ModuleType:
    """Runs the file's own lines as a module, with its folder first on the path, as python does."""
    sys.argv = argv
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise HydroError(f"cannot read `{path}`: {error.strerror}") from None
    script = types.ModuleType("hydro_script")
    script.__file__ = os.path.abspath(path)
    sys.modules[script.__name__] = script
    code = compile(text, path, "exec", dont_inherit=True)
    _intent.read(text)
    exec(code, script.__dict__)
    return script


class _Interruption:
    """Ctrl-C, or the engine's word that it is over: the script gets one chance to clean up, whichever comes first.

    With handlers of our own in place asyncio sets none, whose second signal would end the loop in the middle of the clean-up.
    """

    def __init__(self, shows_place: bool) -> None:
        self.happened = False
        # A test is interrupted where it took too long, and its writer wants to know where it stood.
        self.shows_place = shows_place
        self._cancel: Optional[Callable[[], None]] = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._take)

    def _take(self, number: int, frame: Optional[types.FrameType]) -> None:
        if self.happened:
            return
        self.happened = True
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()

    async def guard(self, work: Awaitable[Any]) -> None:
        """Awaits `work`, which an interruption cancels."""
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def cancel() -> None:
            loop.call_soon_threadsafe(task.cancel)

        self._cancel = cancel
        try:
            await task
        finally:
            self._cancel = None


def _exit_code(code: Any) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _report(error: BaseException, interruption: _Interruption) -> int:
    """Writes what ended the script, with the user's own lines alone."""
    wished = interruption.happened and isinstance(error, (KeyboardInterrupt, asyncio.CancelledError))
    if wished and not interruption.shows_place:
        return INTERRUPTED
    _flush()
    for text in getattr(error, "rendered", None) or []:
        print(text, file=sys.stderr)
    described = _described(error)
    if not described.stack and isinstance(error, HydroError):
        print(f"error: {error}", file=sys.stderr)
    else:
        print("".join(described.format()), end="", file=sys.stderr)
    return 1


def _described(error: BaseException) -> traceback.TracebackException:
    """Describes an error with the user's own lines alone."""
    described = traceback.TracebackException.from_exception(error)
    _hide_ours(described, set())
    return described


def _hide_ours(described: traceback.TracebackException, seen: Set[int]) -> None:
    if id(described) in seen:
        return
    seen.add(id(described))
    described.stack = traceback.StackSummary.from_list([frame for frame in described.stack if not _is_ours(frame.filename)])
    related = [described.__cause__, described.__context__, *(getattr(described, "exceptions", None) or [])]
    for other in related:
        if other is not None:
            _hide_ours(other, seen)


_ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep


def _is_ours(path: str) -> bool:
    if path.startswith("<frozen "):
        return True
    path = os.path.abspath(path)
    return path.startswith((_engine.SDK, _ASYNCIO))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Whoever read it has left; that is no failure of the script.
            pass


def _listing(path: str) -> Dict[str, Any]:
    """Reads the tests of a file from its syntax tree, and the `.hf` files it names, so that they can be built beforehand."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except SyntaxError as error:
        text = "".join(traceback.format_exception_only(type(error), error))
        return {"file": path, "error": text, "tests": [], "ignored": [], "sources": []}
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return {"file": path, "error": f"cannot read `{path}`: {error}\n", "tests": [], "ignored": [], "sources": []}
    tests = [{"name": name, "line": line} for name, line in _tests(tree, ast.AsyncFunctionDef)]
    ignored = [{"name": name, "line": line} for name, line in _tests(tree, ast.FunctionDef)]
    return {"file": path, "error": None, "tests": tests, "ignored": ignored, "sources": sorted(set(_sources(tree)))}


def _tests(tree: ast.Module, kind: "Type[Union[ast.FunctionDef, ast.AsyncFunctionDef]]") -> List[Tuple[str, int]]:
    return [(node.name, node.lineno) for node in tree.body if isinstance(node, kind) and node.name.startswith("test_")]


def _sources(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".hf"):
            yield node.value
