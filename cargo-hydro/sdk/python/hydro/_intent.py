"""What a script's own text says it will do, before it does it.

A deployment is checked before anything starts, and an input that nobody feeds is a mistake. A script that feeds one itself says so with `send`,
but only later; its text tells now. Reads the text and runs nothing. `port.open()` says the same where the text does not show it.
"""

import ast
from typing import Set

# Names of ports that the script uses itself.
named: Set[str] = set()
# Nobody can know what will be typed into a notebook: any input may be fed by hand.
feeds_anything = False


def feeds(port: str) -> bool:
    """Whether the script may send to inputs of that name."""
    return feeds_anything or port in named


def read(text: bytes) -> None:
    """Finds `….ports.NAME` and `….ports["NAME"]` that are used for anything but linking them."""
    tree = ast.parse(text)
    linked = {id(part) for call in ast.walk(tree) if isinstance(call, ast.Call) for part in _linked(call)}
    for node in ast.walk(tree):
        if id(node) in linked:
            continue
        if isinstance(node, ast.Attribute) and _is_ports(node.value):
            named.add(node.attr)
        elif isinstance(node, ast.Subscript) and _is_ports(node.value) and isinstance(node.slice, ast.Constant):
            named.add(str(node.slice.value))


def _is_ports(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "ports"


def _linked(call: ast.Call) -> "list[ast.expr]":
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "connect":
        return []
    return [call.func.value, *call.args, *(keyword.value for keyword in call.keywords)]
