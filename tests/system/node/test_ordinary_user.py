"""What an ordinary user's node does where it cannot make control groups: kill scope by session and mark, sandbox, limits."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.node import Node, alive, becoming, environment, let_in

is_root = os.getuid() == 0
pytestmark = pytest.mark.skipif(not is_root, reason="needs root, to become an ordinary user")
USER = "daemon"


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Node]:
    """A node of an ordinary user; afterwards nothing of it is left."""
    let_in(tmp_path)
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.chown(folder, USER, USER)
    one = Node(folder, user=USER)
    try:
        one.command()
    except LookupError as error:
        pytest.skip(str(error))
    yield one
    one.run("down")
    assert one.left_behind() == []


def write(node: Node, text: str) -> None:
    """Write its configuration, as its user."""
    node.write(text)
    shutil.chown(node.folder / "snowfox.toml", USER, USER)


def children(folder: Path, count: int) -> list[int]:
    """Pids that the service wrote down, once there are so many."""
    file = folder / "pids"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pids = [int(word) for word in file.read_text().split()] if file.exists() else []
        if len(pids) >= count:
            return pids
        time.sleep(0.02)
    raise AssertionError("no pids")


def test_f20_double_fork(theirs: Node) -> None:
    """What left its session goes with a stop all the same: it has the environment that its service began with."""
    script = "setsid sh -c 'setsid sleep 1000 >&- 2>&- <&- & echo $! >> pids' & wait; exec sleep 1000"
    write(theirs, f'[service.web]\ncommand = ["sh", "-c", "{script}"]\n')
    theirs.good("up", "-d")
    (pid,) = children(theirs.folder, 1)
    assert alive(pid)
    theirs.good("stop", "web")
    theirs.until(lambda: not alive(pid), "its grandchild is gone", 3)


def test_another_environment_is_no_way_out(theirs: Node) -> None:
    """What left its session and began with an environment of its own goes too: it still has the service's output."""
    script = "env -i setsid sh -c 'echo $$ >> pids; exec sleep 1000' & exec sleep 1000"
    write(theirs, f'[service.web]\ncommand = ["sh", "-c", "{script}"]\n')
    theirs.good("up", "-d")
    (pid,) = children(theirs.folder, 1)
    assert alive(pid)
    theirs.good("stop", "web")
    theirs.until(lambda: not alive(pid), "its child is gone", 3)


def test_what_nobody_can_name_goes_with_the_node(theirs: Node) -> None:
    """It left its session, began with an environment of its own and writes elsewhere."""
    script = "env -i setsid sh -c 'echo $$ >> pids; exec sleep 1000 >&- 2>&- <&-' & exec sleep 1000"
    write(theirs, f'[service.web]\ncommand = ["sh", "-c", "{script}"]\n')
    theirs.good("up", "-d")
    (pid,) = children(theirs.folder, 1)
    theirs.good("down")
    assert not alive(pid)


def test_limits_that_cannot_be(theirs: Node) -> None:
    """cpu, io and processes are refused with the reason; memory bounds each process."""
    write(
        theirs, '[service.web]\ncommand = ["sleep", "1000"]\nlimits = { cpu = 1, io = "1M", processes = 9 }\n'
    )
    done = theirs.run("up", "-d")
    assert done.code == 3
    for word in ("cpu", "io", "processes"):
        assert f"limit {word} needs control groups: cannot make one in /sys/fs/cgroup" in done.text
    write(theirs, '[service.web]\ncommand = ["sleep", "1000"]\nlimits.memory = "64M"\n')
    theirs.good("up", "-d")
    limits = Path(f"/proc/{theirs.running()['web'].pid}/limits").read_text()
    assert next(one for one in limits.splitlines() if one.startswith("Max data size")).split()[3] == str(
        64 << 20
    )


def test_sandbox(theirs: Node) -> None:
    """Mounts are its own by a user namespace, in which it is the same user and has no capability."""
    if subprocess.run(
        [*becoming(USER), "unshare", "-Ur", "true"],
        check=False,
    ).returncode:
        pytest.skip("this host keeps user namespaces from ordinary users")
    script = "touch closed; touch data/x && echo kept; id -un; grep CapEff /proc/self/status; echo end; exec sleep 1000"
    (theirs.folder / "data").mkdir()
    shutil.chown(theirs.folder / "data", USER, USER)
    keys = 'sandbox = { read-only = ["."], writable = ["data"], capabilities = [], private-tmp = false }'
    write(theirs, f'[service.web]\ncommand = ["sh", "-c", "{script}"]\n{keys}\n')
    theirs.good("up", "-d")
    theirs.until(lambda: "end" in theirs.good("logs", "web"), "its output")
    logs = theirs.good("logs", "web")
    assert "Read-only file system" in logs
    assert "kept" in logs
    assert USER in logs
    assert "0000000000000000" in logs
    write(theirs, '[service.web]\ncommand = ["sleep", "1"]\nsandbox.capabilities = ["KILL"]\n')
    assert "an ordinary user's node has no capabilities to give" in theirs.run("plan").text


@pytest.fixture
def delegated() -> Iterator[Path]:
    """A control group of version 2 that the user may do with as it likes, as a service manager delegates them."""
    top = next(
        (
            one
            for one in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
            if (one / "cgroup.procs").exists()
        ),
        None,
    )
    if top is None:
        pytest.skip("no control groups of version 2")
    folder = top / f"snowfox-test-{os.getpid()}"
    folder.mkdir()
    for one in (
        folder,
        folder / "cgroup.procs",
        folder / "cgroup.subtree_control",
        folder / "cgroup.threads",
    ):
        shutil.chown(one, USER, USER)
    yield folder
    end = time.monotonic() + 5
    while (folder / "cgroup.procs").read_text() and time.monotonic() < end:
        time.sleep(0.02)
    folder.rmdir()


def test_delegated_groups(theirs: Node, delegated: Path) -> None:
    """Where a group was delegated to the user, its node's launches have groups in it, as root's have."""
    script = "env -i setsid sh -c 'env -i setsid sleep 1000 & echo $! >> pids' & wait; exec sleep 1000"
    write(theirs, f'[service.web]\ncommand = ["sh", "-c", "{script}"]\n')
    done = subprocess.run(
        ["sh", "-c", f"echo $$ > {delegated}/cgroup.procs; exec {shlex.join(theirs.command('up', '-d'))}"],
        cwd=theirs.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    group = Path(f"/proc/{theirs.running()['web'].pid}/cgroup").read_text().splitlines()[-1]
    assert f"/{delegated.name}/snowfox-" in group
    (pid,) = children(theirs.folder, 1)
    assert alive(pid)
    theirs.good("stop", "web")
    assert not alive(pid)
    theirs.good("down")
