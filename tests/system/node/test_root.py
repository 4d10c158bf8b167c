"""What only root's node does: it gives up its uid, works from a closed home, is process 1 of a container."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snowfox.testing.node import Node, environment, remove_store, store_of
from snowfox.values import MANAGER_UIDS, SERVICE_UIDS

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def uids(pid: int) -> set[int]:
    """Real, effective, saved and filesystem uid of a process."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("Uid:"))
    return {int(word) for word in line.split()[1:]}


def field(pid: int, name: str) -> str:
    """A field of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))


def test_manager_and_services_are_not_root(node: Node) -> None:
    """The manager has one unprivileged uid and no capability, a service another, with no_new_privs."""
    node.write('[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n')
    node.good("up", "-d")
    ours = node.processes()
    service = node.running()["web"].pid
    assert uids(ours["daemon"]) == {0}
    assert uids(ours["spawner"]) == {0}
    (manager,) = uids(ours["manager"])
    (user,) = uids(service)
    assert manager == pwd.getpwnam("snowfox").pw_uid if _has_user("snowfox") else manager in MANAGER_UIDS
    assert user in SERVICE_UIDS
    assert field(ours["manager"], "CapEff") == "0000000000000000"
    assert field(ours["manager"], "CapPrm") == "0000000000000000"
    assert field(service, "NoNewPrivs") == "1"
    assert field(service, "Groups") in {"", str(user)}


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_project_in_a_closed_home(node: Node, tmp_path: Path) -> None:
    """A project below a folder of mode 0700 works; a service that needs that folder is refused with its name."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    below = Node(closed / "project")
    below.folder.mkdir()
    below.good("init")
    try:
        below.good("up", "-d")
        below.until(lambda: bool(below.good("logs").strip()), "output")
    finally:
        below.run("down")
    assert below.left_behind() == []
    below.write(
        f'[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "{below.folder}"\nuser = "nobody"\n'
    )
    try:
        done = below.run("up", "-d")
        assert done.code == 3
        assert str(closed) in done.text
        assert "the last good version" in below.run("status").text
    finally:
        below.run("down")
    assert below.left_behind() == []
    remove_store(below.folder)


def test_a_project_made_again_begins_anew(node: Node) -> None:
    """What a person stopped in a project that was removed since is started in the next one at its path."""
    text = '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
    stores: list[Path | None] = []
    for _ in range(2):
        node.write(text)
        node.good("up", "-d")
        assert node.status()["web"]["state"] == "ready"
        node.good("stop", "web")
        node.good("down")
        stores.append(store_of(node.folder))
        shutil.rmtree(node.folder)
    first, second = stores
    assert first is not None
    assert second not in {None, first}
    node.write(text)
    node.good("up", "-d")
    node.good("down")
    assert not first.exists()


def test_user_root_must_be_allowed(node: Node) -> None:
    """`user = "root"` is refused without policy, with the line that would allow it."""
    node.write('[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\nuser = "root"\n')
    done = node.run("up", "-d")
    assert done.code == 3
    assert 'users = ["root", "*"]' in done.text
    policy = node.folder / "policy.toml"
    policy.write_text('users = ["root"]\n')
    node.good("up", "-d", "--policy", str(policy))
    assert uids(node.running()["web"].pid) == {0}


def test_a_port_under_1024(node: Node) -> None:
    """Refused without policy, open with it; the service itself is unprivileged."""
    text = '[socket.front]\nlisten = "127.0.0.1:987"\n\n[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\nsockets = ["front"]\n'
    node.write(text)
    done = node.run("up", "-d")
    assert done.code == 3
    assert 'ports = ["987", "0", "1024-65535"]' in done.text
    policy = node.folder / "policy.toml"
    policy.write_text('ports = ["987"]\n')
    node.good("up", "-d", "--policy", str(policy))
    assert node.status()["web"]["state"] == "ready"


def test_process_1_of_a_container(node: Node) -> None:
    """In a pid namespace the daemon is process 1, reaps orphans, cannot leave its services, and TERM stops everything in order."""
    node.write('[service.web]\ncommand = ["sh", "-c", "(sleep 0.2 & ) ; exec sleep 1000"]\ndirectory = "/"\n')
    command = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        sys.executable,
        "-m",
        "snowfox.cli.main",
        "up",
    ]
    process = subprocess.Popen(
        command,
        cwd=node.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    try:
        node.until(lambda: node.run("status").code == 0, "all as wanted")
        daemon = int(
            subprocess.run(
                ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
            ).stdout
        )
        time.sleep(0.5)  # the orphan has ended by then; nothing tells when
        zombies = [
            entry.name
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _stat(entry)[0] == "Z" and _stat(entry)[1] == str(daemon)
        ]
        assert zombies == []
        refused = node.run("down", "--leave")
        assert refused.code == 1
        assert "cannot leave the services running: this node is process 1" in refused.text
        assert "stop them, too: snowfox down" in refused.text
        assert node.run("status").code == 0
        os.kill(daemon, signal.SIGTERM)
        process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert node.left_behind() == []


def _stat(entry: Path) -> list[str]:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", ""]
