"""What a manager loads."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

import snowfox

SOURCE = str(Path(snowfox.__file__).parent.parent)
PACKAGES = str(Path(msgspec.__file__).parent.parent)
SCRIPT = """
import sys
sys.path += sys.argv[1:]
import snowfox.manager.main
assert "asyncio" not in sys.modules
sys.modules["ssl"] = None
import snowfox.manager.process
print(*sorted(name for name in sys.modules if sys.modules[name] is not None))
"""


def test_it_loads_nothing_that_it_does_not_use() -> None:
    """No TLS, no processes of its own, no tests' tools: each is memory that every node pays."""
    done = subprocess.run(
        [os.path.realpath(sys.executable), "-I", "-S", "-c", SCRIPT, SOURCE, PACKAGES],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "snowfox.manager.process" in loaded
    unwanted = {"ssl", "multiprocessing", "dataclasses", "argparse", "ctypes", "hypothesis", "email", "http"}
    assert loaded & unwanted == set()
    assert not any(name.startswith("snowfox.testing") for name in loaded)
    assert not any(name.startswith(("snowfox.daemon", "snowfox.spawner", "snowfox.cli")) for name in loaded)
