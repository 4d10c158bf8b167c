"""Control groups of real services: what they bound, what they hold together. Rows F20, F22, F23 and F28 of the faults."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.group import places
from snowfox.testing.node import Node, alive

CGROUPS = Path("/sys/fs/cgroup")
is_root = os.getuid() == 0
needs_groups = pytest.mark.skipif(
    not is_root or not list(CGROUPS.glob("*")), reason="needs root and control groups"
)
pytestmark = needs_groups


@pytest.fixture(autouse=True)
def no_leaked_groups(node: Node) -> Iterator[None]:
    """After each test no control group of the node is left."""
    yield
    if node.processes():
        node.run("down")
    node.until(lambda: not places(node.home / "run"), "no group is left", 5)


def group(pid: int, controller: str) -> str:
    """The group that a process is in, by a controller of version 1 or 2."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    named = [line.split(":", 2)[2] for line in lines if controller in line.split(":")[1].split(",")]
    return (named or [line.split(":", 2)[2] for line in lines if line.startswith("0:")])[0]


def service(keys: str, script: str, name: str = "web") -> str:
    """A service that runs this script of the shell."""
    quoted = script.replace("\\", "\\\\").replace('"', '\\"')
    return f'[service.{name}]\ncommand = ["sh", "-c", "{quoted}"]\ndirectory = "/"\n{keys}\n'


def test_each_launch_has_a_group(node: Node) -> None:
    """A service is in a group named after its launch, from its first instruction on; it goes with it."""
    node.write(service("", "cat /proc/self/cgroup; exec sleep 1000"))
    node.good("up", "-d")
    pid = node.running()["web"].pid
    assert "/web~" in group(pid, "no-controller")
    node.until(lambda: "/web~" in node.good("logs", "web"), "its own sight")
    node.good("stop", "web")
    assert not [path for folder in places(node.home / "run") for path in folder.glob("web~*")]


def test_limits(node: Node) -> None:
    """memory, cpu, processes and io are in the files of its groups."""
    node.write(
        service('limits = { memory = "64M", cpu = 1.5, processes = 20, io = "50M" }', "exec sleep 1000")
    )
    node.good("up", "-d")
    pid = node.running()["web"].pid
    for controller, file, text in (
        ("memory", "memory.limit_in_bytes", str(64 << 20)),
        ("pids", "pids.max", "20"),
        ("cpu", "cpu.cfs_quota_us", "150000"),
        ("blkio", "blkio.throttle.read_bps_device", str(50 << 20)),
    ):
        place = CGROUPS / controller / group(pid, controller).lstrip("/") / file
        if place.exists():  # else this host has version 2
            assert place.read_text().split()[-1] == text
        else:
            assert "/web~" in group(pid, controller)


def test_f28_out_of_memory(node: Node) -> None:
    """Who is killed for memory is told as that, not as a signal; the restart follows the same policy."""
    script = "exec python3 -c 'x = bytearray(200 << 20); import time; time.sleep(100)'"
    node.write(service('limits.memory = "32M"\nrestart.limit = 1', script))
    node.run("up", "-d")
    node.until(lambda: node.status()["web"]["state"] == "failed", "failed")
    message = node.status()["web"]["message"]
    assert message.startswith("killed by memory limit")
    assert "signal" not in message
    assert "killed by memory limit" in node.run("show", "web").out


def test_f28_a_process_of_it(node: Node) -> None:
    """Where the kernel killed another process of the service, its own end tells that too."""
    script = "python3 -c 'bytearray(200 << 20)'; exit 3"
    node.write(service('limits.memory = "32M"\nrestart.limit = 1', script))
    node.run("up", "-d")
    node.until(lambda: node.status()["web"]["state"] == "failed", "failed")
    assert "exit 3" in node.status()["web"]["message"]
    assert "memory limit reached" in node.status()["web"]["message"]


def children(folder: Path, count: int) -> list[int]:
    """Pids that a test's services wrote into a file, once there are so many."""
    file = folder / "pids"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pids = [int(word) for word in file.read_text().split()] if file.exists() else []
        if len(pids) >= count:
            return pids
        time.sleep(0.02)
    raise AssertionError("no pids")


def writable(node: Node) -> Path:
    """A folder that any service may write to."""
    folder = node.folder / "out"
    folder.mkdir(parents=True)
    node.folder.chmod(0o755)
    folder.chmod(0o777)
    return folder


def test_f20_double_fork(node: Node) -> None:
    """What forked twice, left its session and closed everything goes with a stop; nothing of it outlives its leader."""
    out = writable(node)
    script = (
        f"for n in 1 2 3; do setsid sh -c 'setsid sleep 1000 >&- 2>&- <&- & echo $! >> {out}/pids' & done;"
        " wait; exec sleep 1000"
    )
    node.write(service("", script))
    node.good("up", "-d")
    pids = children(out, 3)
    assert all(map(alive, pids))
    node.good("stop", "web")
    assert not any(map(alive, pids))


def test_f20_leader_exits(node: Node) -> None:
    """When the leader exits, what it left is ended before anything starts anew: never two of one service."""
    out = writable(node)
    script = f"setsid sleep 1000 & echo $! >> {out}/pids; exec sleep 0.2"
    node.write(
        service('restart = { delay = "50ms", max-delay = "50ms", early = "50ms", limit = 100 }', script)
    )
    node.run("up", "-d")
    pids = children(out, 4)
    assert not any(map(alive, pids[:-1]))


def test_f22_fork_bomb(node: Node) -> None:
    """A fork bomb stays within its limit, the command line answers, and a stop ends all of it."""
    script = "bomb() { bomb | bomb & }; (while :; do bomb; done) & exec sleep 1000"
    node.write(
        service('limits.processes = 150\nstop.grace = "100ms"', script)
        + service("", "exec sleep 1000", "other")
    )
    node.good("up", "-d")
    place = CGROUPS / "pids" / group(node.running()["web"].pid, "pids").lstrip("/")
    time.sleep(0.5)
    began = time.monotonic()
    assert node.status()["other"]["state"] == "ready"
    assert time.monotonic() - began < 5
    node.good("stop", "web")
    assert not place.exists()
    assert node.status()["other"]["state"] == "ready"


def test_f22_limit_is_told(node: Node) -> None:
    """An end after its limit of processes was reached tells so."""
    script = "for n in $(seq 50); do sleep 100 & done; exit 1"
    node.write(service("limits.processes = 10\nrestart.limit = 1", script))
    node.run("up", "-d")
    node.until(lambda: node.status()["web"]["state"] == "failed", "failed")
    assert "limit of processes reached" in node.status()["web"]["message"]


def test_f23_keeps_its_output_open(node: Node) -> None:
    """Its output held open by what left it, or closed by itself, is no end and no hang."""
    out = writable(node)
    keeper = f"setsid sleep 1000 & echo $! >> {out}/pids; exit 0"
    closer = "exec >&- 2>&- <&-; exec sleep 1000"
    node.write(service('type = "task"', keeper, "keeper") + service("", closer, "closer"))
    node.good("up", "-d")
    state = node.status()
    assert state["keeper"]["state"] == "finished"
    assert state["closer"]["state"] == "ready"
    assert not any(map(alive, children(out, 1)))


def test_groups_outlive_the_spawner(node: Node) -> None:
    """After the spawner was killed its successor knows the groups: a stop still ends everything."""
    out = writable(node)
    node.write(service("", f"setsid sleep 1000 & echo $! >> {out}/pids; exec sleep 1000"))
    node.good("up", "-d")
    before = node.running()["web"]
    (pid,) = children(out, 1)
    was = node.processes()["spawner"]
    node.kill("spawner")
    node.until(lambda: node.processes().get("spawner", was) != was, "another spawner")
    node.until(lambda: node.running().get("web") == before, "the same process")
    node.good("stop", "web")
    assert not alive(pid)


def test_f21_ignores_the_signal(node: Node) -> None:
    """Who ignores TERM, is stopped, or is frozen is killed after its grace, with all that it started."""
    out = writable(node)
    keys = 'stop.grace = "200ms"'
    deaf = (
        f"trap '' TERM; (trap '' TERM; setsid sleep 1000) & echo $! >> {out}/pids; while :; do sleep 1; done"
    )
    node.write(
        service(keys, deaf)
        + service(keys, "exec sleep 1000", "still")
        + service(keys, "exec sleep 1000", "cold")
    )
    node.good("up", "-d")
    pids = children(out, 1)
    running = node.running()
    os.kill(running["still"].pid, signal.SIGSTOP)
    frozen = CGROUPS / "unified" / group(running["cold"].pid, "no-controller").lstrip("/") / "cgroup.freeze"
    if frozen.exists():
        frozen.write_text("1")
    node.good("stop", "--all")
    assert not any(map(alive, [*pids, *(one.pid for one in running.values())]))
