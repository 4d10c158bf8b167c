"""What the manager loads before it gives up its uid."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import snowfox
from snowfox.manager import closed

ROOT = Path(snowfox.__file__).parent
LAYERS = ("core", "service", "contract", "manager")
ELSEWHERE = {
    "snowfox.manager.process",  # imported by main itself, before anything else
    "snowfox.core.posix.active",  # imported by process
    "snowfox.core.posix.linux",  # imported by process
    "snowfox.values",
    "snowfox.core.posix.streams",  # for other loops, and for TLS
    "snowfox.core.rpc.tls",  # the manager serves one unix socket alone
}


def imported_inside_functions(path: Path) -> set[str]:
    """Modules that a file imports inside its functions."""
    found: set[str] = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module)
    return found


def test_every_late_import_is_listed() -> None:
    """What a function of the manager's layers imports is loaded before the uid is given up."""
    late = {
        name
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        for name in imported_inside_functions(path)
    }
    assert late - {*closed.LATER, *closed.IF_THERE} - ELSEWHERE == set()


def test_load_imports_all() -> None:
    """After `load` each is there."""
    closed.load()
    assert set(closed.LATER) <= sys.modules.keys()
