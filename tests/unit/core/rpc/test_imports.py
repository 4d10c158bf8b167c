"""What the thin shells load, in an interpreter of their own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import snowfox

FORBIDDEN = {
    "asyncio",
    "argparse",
    "dataclasses",
    "hashlib",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "msgspec",
    "pathlib",
    "pickle",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "snowfox.core.promise",
    "snowfox.core.rpc.client",
    "snowfox.core.rpc.fast",
    "snowfox.core.rpc.link",
    "snowfox.core.rpc.server",
}

FOUNDATION = {
    "snowfox.errors",
    "snowfox.values",
    *(
        f"snowfox.core.{name}"
        for name in (
            "backoff", "clock", "deadline", "frozen", "ids", "log", "machine", "metrics", "named", "posix", "promise", "rpc", "trace",
        )
    ),
}  # fmt: skip


def _imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_the_rpc_stands_by_itself():
    """Of the rest it imports the foundation only, be it for a type or where it is needed: a list of what it may, not may not."""
    files = list((Path(snowfox.__file__).parent / "core" / "rpc").glob("*.py"))
    assert len(files) > 20
    for file in files:
        for name in _imported(file):
            if name.startswith("snowfox"):
                part = ".".join(name.split(".")[: 3 if name.startswith("snowfox.core") else 2])
                assert part in FOUNDATION, f"{file.name} imports {name}"


@pytest.mark.parametrize(
    "module", ["snowfox.core.rpc.channel", "snowfox.core.rpc.blocking", "snowfox.core.rpc.interface"]
)
def test_a_thin_shell_loads_nothing_heavy(module):
    """Channel and blocking load neither asyncio nor anything else that costs a command its start."""
    source = Path(snowfox.__file__).parent.parent
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not loaded & FORBIDDEN
