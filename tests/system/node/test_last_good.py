"""What is there at the start is refused: the last good version runs instead."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat

from snowfox.testing.node import Node, alive

GOOD = '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
SYNTAX = GOOD + "x = \n"
CHECK = GOOD + 'restrt = "x"\n'
VERIFY = GOOD + '[service.gone]\ncommand = ["/nowhere/program"]\ndirectory = "/"\n'
SAYS = "runs instead; snowfox check, then snowfox apply"


def stopped(node: Node) -> str:
    """A node that ran the good configuration and is down; that version."""
    node.write(GOOD)
    node.good("up", "-d")
    found = node.version()
    node.good("down")
    return found


def test_whatever_is_wrong_with_it(node: Node) -> None:
    """Syntax, check and verify: each is told, `up -d` ends with 3, the version before runs, and an apply goes on from it."""
    good = stopped(node)
    for text, why in ((SYNTAX, ":4:5:"), (CHECK, "restrt"), (VERIFY, "/nowhere/program")):
        node.write(text)
        done = node.run("up", "-d")
        assert (done.code, why in done.err) == (3, True), done.text
        assert (
            done.err.splitlines()[-1] == f"snowfox.toml is refused: the last good version {good[:7]} {SAYS}"
        )
        assert "\x1b" not in done.text
        assert list(node.running()) == ["web"]
        assert SAYS in node.run("status").text
        assert node.run("apply").code == 3
        assert SAYS in node.run("status").text
        first = node.running()
        node.kill("manager")
        node.until(lambda: "manager" in node.processes(), "another manager")
        assert SAYS in node.run("status").text
        assert (node.version(), node.running()) == (good, first)
        node.write(GOOD.replace("1000", "1001"))
        node.good("apply")
        assert SAYS not in node.run("status").text
        node.write(GOOD)
        node.good("apply")
        node.good("down")


def test_what_runs_goes_on(node: Node) -> None:
    """All three are killed and the file is broken: the last good version takes over what runs."""
    node.write(GOOD)
    node.good("up", "-d")
    before = node.running()
    node.kill("daemon", "spawner", "manager")
    node.until(lambda: not node.processes(), "all three are gone")
    node.write(CHECK)
    done = node.run("up", "-d", "--json")
    last = json.loads(done.out.splitlines()[-1])
    assert (done.code, last["code"], last["state"], last["is_well"]) == (3, 3, "refused", True), done.text
    assert "restrt" in last["details"][0]
    assert node.running() == before


def test_both_are_refused(node: Node) -> None:
    """Both reasons are told, nothing runs, and what was kept stays for the day when it can."""
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        port = rival.getsockname()[1]
        rival.close()
        taken = f'[socket.front]\nlisten = "127.0.0.1:{port}"\n{GOOD}sockets = ["front"]\n'
        node.write(taken)
        node.good("up", "-d")
        node.good("down")
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(("127.0.0.1", port))
        rival.listen()
        node.write(CHECK)
        done = node.run("up", "-d")
        assert (done.code, "restrt" in done.err, "is refused too: cannot open" in done.err) == (3, True, True)
        assert not node.processes()
        node.write(taken)
        same = node.run("up", "-d")
        assert (same.code, same.err.count("EADDRINUSE")) == (3, 1), same.text
    node.write(CHECK)
    assert node.run("up", "-d").code == 3
    assert list(node.running()) == ["web"]


def test_in_the_foreground(node: Node) -> None:
    """The same lines come, and the node goes on until it is interrupted."""
    stopped(node)
    node.write(CHECK)
    command = node.begin("up")
    try:
        node.until((node.home / "run" / "manager.sock").exists, "the socket is there")
        node.until(lambda: list(node.running()) == ["web"], "it runs")
        pid = node.running()["web"].pid
        assert alive(pid)
        command.send_signal(signal.SIGINT)
        out, _ = command.communicate(timeout=30)
    finally:
        command.kill()
    assert "restrt" in out
    assert SAYS in out
    assert command.returncode == 0, out
    assert not alive(pid)


def test_without_a_store_what_runs_goes_on(node: Node) -> None:
    """Nobody knows a version: the mistake is told before a manager would stop what runs."""
    node.write(GOOD)
    node.good("up", "-d")
    before = node.running()
    node.kill("daemon", "spawner", "manager")
    node.until(lambda: not node.processes(), "all three are gone")
    store = node.home / ("store" if os.getuid() == 0 else "state.db")
    content = store.read_bytes()
    store.unlink()
    node.write(CHECK)
    assert node.run("up", "-d").code == 3
    assert not node.processes()
    assert all(alive(one.pid) for one in before.values())
    store.write_bytes(content)
    node.write(GOOD)
    node.good("up", "-d")
    assert node.running() == before


def test_files_of_sockets_look_as_written(node: Node) -> None:
    """A unix socket's file has its mode from the start, and another one after an apply, with the same inode."""
    text = f'[socket.front]\nlisten = "unix:front.sock"\nmode = "0640"\n{GOOD}sockets = ["front"]\n'
    node.write(text)
    node.good("up", "-d")
    file = node.folder / "front.sock"
    before = file.stat()
    assert stat.S_IMODE(before.st_mode) == 0o640
    node.write(text.replace("0640", "0600"))
    node.good("apply")
    after = file.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_ino) == (0o600, before.st_ino)
