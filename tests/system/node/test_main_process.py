"""MAINPID: programs that go to the background or put a new one in their place are followed, with control groups and without."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing.node import Node, alive, let_in
from snowfox.testing.world import python_of_services

SERVER = """
import os, signal, socket, sys, time

def say(*lines):
    path = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.sendto("\\n".join(lines).encode(), "\\0" + path[1:] if path[0] == "@" else path)

def renew(*_):
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, sys.argv[0], "new", *sys.argv[2:]])

signal.signal(signal.SIGUSR1, lambda *_: os._exit(7))
signal.signal(signal.SIGUSR2, renew)
if sys.argv[2:] != ["plain"]:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if sys.argv[1] == "background":
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open("/dev/null", os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        os.write(tell, str(os.getpid()).encode())
    else:
        pid = os.read(ready, 20).decode()
        say("MAINPID=" + pid)
        say("READY=1", "STATUS=in the background")
        os._exit(0)
elif sys.argv[1] == "new":
    old = os.getppid()
    say(f"MAINPID={os.getpid()}", "READY=1", "STATUS=new")
    time.sleep(0 if sys.argv[2:] else 0.2)
    os.kill(old, signal.SIGTERM)
elif sys.argv[1] == "liar":
    say(f"MAINPID={os.getppid()}", "READY=1", "STATUS=lied")
else:
    say("READY=1", "STATUS=old")
while True:
    signal.pause()
"""

USER = "daemon"
is_root = os.getuid() == 0


@pytest.fixture(params=["groups", "user"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """Root's node, with control groups where the host has them; an ordinary user's, without."""
    let_in(tmp_path)
    folder = tmp_path / "project"
    folder.mkdir()
    if request.param == "user" and is_root:
        shutil.chown(folder, USER, USER)
    elif request.param == "groups" and not is_root:
        pytest.skip("needs root")
    node = Node(folder, user=USER if request.param == "user" and is_root else None)
    yield node
    node.run("down")
    assert node.left_behind() == []


def begin(node: Node, *how: str) -> int:
    """A node with one service, up; its pid."""
    python = python_of_services()
    if not python:
        pytest.skip("no Python that services can run")
    server = node.folder / "server.py"
    server.write_text(SERVER)
    server.chmod(0o755)
    node.write(
        f"""
[service.web]
command = {json.dumps([python, str(server), *how])}
directory = "/"
ready = {{ notify = true }}
restart = {{ delay = "10ms" }}
stop = {{ grace = "2s" }}
"""
    )
    if node.user is not None:
        shutil.chown(node.folder / "snowfox.toml", USER, USER)
    node.good("up", "-d")
    return int(node.status()["web"]["pid"])


def texts(node: Node) -> list[str]:
    """What happened to it, as `why` tells it."""
    return [moment["text"] for moment in json.loads(node.good("why", "web", "--json"))[0]["happened"]]


def is_new(node: Node, before: int) -> bool:
    """Whether another process serves."""
    web = node.status()["web"]
    return web["message"] == "new" and web["pid"] != before and web["state"] == "ready"


def test_background(one: Node) -> None:
    """It is ready as the process that it named, though its first one ended at once; its exit code is that one's."""
    pid = begin(one, "background")
    web = one.status()["web"]
    assert (web["state"], web["message"], web["restarts"]) == ("ready", "in the background", 0)
    assert alive(pid)
    assert Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"background\0")
    assert os.getsid(pid) != pid
    assert f"process {pid} is its main process from now on, as it said" in texts(one)
    one.good("signal", "USR1", "web")
    one.until(lambda: one.status()["web"]["restarts"] == 1, "started again")
    assert any(text.startswith("exit 7") for text in texts(one))
    one.until(lambda: one.status()["web"]["state"] == "ready", "ready again")
    pid = one.running()["web"].pid
    one.good("stop", "web")
    assert not alive(pid)


@pytest.mark.parametrize("roles", [("spawner",), ("daemon", "spawner", "manager")])
def test_outlives_us(one: Node, roles: tuple[str, ...]) -> None:
    """Whoever of us dies, the process that it named is the one that is taken over, watched and stopped."""
    pid = begin(one, "background")
    before = one.running()["web"]
    was = one.processes()
    one.kill(*roles)
    if "daemon" in roles:
        one.until(lambda: not one.processes(), "all of us are gone")
        one.good("up", "-d")
    one.until(lambda: one.processes().get("spawner", was["spawner"]) != was["spawner"], "another spawner")
    one.until(lambda: one.running().get("web") == before, "the same process")
    os.kill(pid, signal.SIGUSR1)
    one.until(lambda: one.status()["web"]["restarts"] == 1, "started again")
    known = [text for text in texts(one) if text.startswith("exit 7")]
    assert known or "daemon" in roles  # nobody's child any more: the kernel tells since 6.15
    one.until(lambda: one.status()["web"]["state"] == "ready", "ready again")
    pid = one.running()["web"].pid
    one.good("stop", "web")
    assert not alive(pid)


def test_upgrade(one: Node) -> None:
    """A program that starts its successor, twice: the service goes on, and stops as the last of them."""
    first = begin(one, "old")
    one.good("signal", "USR2", "web")
    one.until(lambda: is_new(one, first), "the new one")
    one.until(lambda: not alive(first), "the old one has left")
    second = one.running()["web"].pid
    one.good("signal", "USR2", "web")
    one.until(lambda: is_new(one, second), "the next one")
    one.until(lambda: not alive(second), "the one before has left")
    third = one.running()["web"].pid
    assert one.status()["web"]["restarts"] == 0
    one.good("stop", "web")
    assert not alive(third)


def test_upgrade_whose_old_one_is_told_to_go_at_once(one: Node) -> None:
    """It dies by the signal before anybody may have read what the new one said."""
    before = begin(one, "old", "plain")
    for _ in range(3):
        one.good("signal", "USR2", "web")
        one.until(lambda before=before: is_new(one, before), "the new one")
        one.until(lambda before=before: not alive(before), "the old one has left")
        before = one.running()["web"].pid
    assert one.status()["web"]["restarts"] == 0


@pytest.mark.skipif(not is_root or not any(Path("/sys/fs/cgroup").glob("*")), reason="needs control groups")
@pytest.mark.parametrize("one", ["groups"], indirect=True)
def test_named_while_there_is_no_spawner(one: Node) -> None:
    """What was said meanwhile counts for the next one: it takes nobody for what a dead service left behind."""
    first = begin(one, "old")
    ours = one.processes()
    os.kill(ours["daemon"], signal.SIGSTOP)
    try:
        one.kill("spawner")
        os.kill(first, signal.SIGUSR2)
        one.until(lambda: Path(f"/proc/{first}/stat").read_text().split(") ")[1][0] == "Z", "it has ended")
    finally:
        os.kill(ours["daemon"], signal.SIGCONT)
    one.until(lambda: one.processes().get("spawner", ours["spawner"]) != ours["spawner"], "another spawner")
    one.until(lambda: is_new(one, first), "the new one")
    assert alive(one.running()["web"].pid)
    assert one.status()["web"]["restarts"] == 0


def test_a_stranger_is_not_followed(one: Node) -> None:
    """A process that is not of the service changes nothing, and that is told."""
    pid = begin(one, "liar")
    web = one.status()["web"]
    assert (web["state"], web["message"]) == ("ready", "lied")
    assert Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"liar\0")
    assert any(text.endswith("of web: it is none of its processes") for text in texts(one))
