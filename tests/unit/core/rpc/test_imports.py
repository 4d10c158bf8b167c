"""What the thin shells load, in an interpreter of their own."""

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
