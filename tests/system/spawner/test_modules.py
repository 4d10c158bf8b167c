"""What the spawner loads: it is root's, starts often and stays small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import snowfox
from snowfox.contract.spawner import Spawner
from snowfox.testing.spawner import RealSpawner

pytestmark = pytest.mark.system

ALLOWED = (
    "snowfox.errors",
    "snowfox.values",
    "snowfox.boot",
    *(
        f"snowfox.core.{name}"
        for name in ("frozen", "clock", "ids", "backoff", "machine", "trace", "log", "metrics", "named")
    ),
    "snowfox.core.posix",
    "snowfox.core.rpc",
    "snowfox.contract",
    "snowfox.spawner",
)
HEAVY = {
    "asyncio",
    "dataclasses",
    "logging",
    "json",
    "subprocess",
    "ssl",
    "tomllib",
    "socket",
    "selectors",
    "inspect",
}


def test_modules() -> None:
    """The standard library without its heavy parts, and of Snow Fox what the spawner may stand on; never site-packages."""
    source = Path(snowfox.__file__).resolve().parent.parent
    script = (
        f"import sys; sys.path.append({str(source)!r}); before = set(sys.modules);"
        "import snowfox.spawner.main; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.split()
    own = [name for name in loaded if name.startswith("snowfox.") and name != "snowfox.core"]
    assert [name for name in own if not name.startswith(ALLOWED)] == []
    assert HEAVY & {name.partition(".")[0] for name in loaded} == set()
    outside = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"snowfox"}
    assert outside == set()


def test_small(spawner: RealSpawner) -> None:
    """At most 12 MB of its own, with a hundred launches."""
    for number in range(100):
        launched = spawner.launch(f"w{number}", "exec sleep 1000")
        if launched.output is not None:
            launched.output.close()
    lines = Path(f"/proc/{spawner.pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    assert sizes["Pss:"] <= 12 << 10
    assert len(spawner.manager.call(Spawner.inventory, "")) == 100


def test_idle_costs_nothing(spawner: RealSpawner) -> None:
    """With services that run and nobody who asks, it is not woken."""
    launched = spawner.launch("web", "exec sleep 1000")
    assert launched.pid
    spawner.manager.pump(0.5)
    status = Path(f"/proc/{spawner.pid}/status")

    def switches() -> int:
        return sum(
            int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line
        )

    before = switches()
    spawner.manager.pump(1.0)
    assert switches() == before
