"""The world changes between the verification of a change and its last step: nothing is half done.

A first service that waits at a gate holds the change after it was verified, before the second is launched.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.node import Done, Node, environment
from snowfox.testing.world import Gate, free_ports, is_free, listeners, python_of_services

root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

KEEP = '[service.keep]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
BINDS = "import socket; socket.create_server(('127.0.0.1', {port})).accept()"


def second(command: str, *lines: str) -> str:
    """The service that is launched last; a failure of it is final."""
    more = "\n".join(lines)
    return (
        f'[service.second]\ncommand = {command}\ndirectory = "/"\nrequires = ["first"]\n'
        f"restart = {{ limit = 1 }}\n{more}\n"
    )


SLEEP = '["sleep", "1001"]'


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is closed."""
    one = Gate()
    yield one
    one.close()


def first(gate: Gate) -> str:
    """The service that waits at the gate."""
    return f'[service.first]\ncommand = {SLEEP}\ndirectory = "/"\n{gate.ready}'


def up(node: Node, text: str = KEEP, *words: str) -> dict[str, Any]:
    """Start; what runs."""
    node.write(text)
    node.good("up", "-d", *words)
    return node.running()


def applied(node: Node, gate: Gate, between: Callable[[], None], *words: str) -> Done:
    """Apply what is written, do this when the first service waits at the gate, open that; how the command ended."""
    command = node.begin("apply", *words)
    try:
        node.until(lambda: node.status().get("first", {}).get("state") == "starting", "the first waits")
        assert "second" not in node.running()
        between()
        gate.open()
        out = command.communicate(timeout=20)[0]
    finally:
        command.kill()
        command.wait()
    return Done(command.returncode, out, "")


def is_as_it_was(node: Node, before: dict[str, Any], version: str) -> None:
    """The version of before is in force, the same processes run and no others, and `status` is content."""
    assert node.running() == before
    status = node.run("status")
    assert (status.code, version[:7] in status.out) == (0, True), status.text


def version(node: Node) -> str:
    """Of what is in force."""
    with node.session() as session:
        return session.call(Manager.status, "*").version


def test_a_rival_takes_a_port_that_a_service_opens_itself(node: Node, gate: Gate) -> None:
    """Nobody could hold that one; the service says so by its exit, and all goes back."""
    (port,) = free_ports(1)
    before, old = up(node), version(node)
    python = python_of_services() or pytest.skip("no Python for services")
    node.write(KEEP + first(gate) + second(f'["{python}", "-I", "-S", "-c", "{BINDS.format(port=port)}"]'))
    with socket.socket() as rival:

        def bind() -> None:
            rival.bind(("127.0.0.1", port))
            rival.listen()

        done = applied(node, gate, bind)
        assert (done.code, f"rolled back to {old[:7]}: second did not get ready: exit 1" in done.out) == (
            4,
            True,
        ), done.text
    is_as_it_was(node, before, old)


def test_a_rival_is_there_first(node: Node) -> None:
    """Of a socket of ours it is named with its pid when the change is verified; nothing moves, and plan says the same."""
    before, old = up(node), version(node)
    with socket.create_server(("127.0.0.1", 0)) as rival:
        port = rival.getsockname()[1]
        node.write(
            KEEP
            + f'[socket.front]\nlisten = "127.0.0.1:{port}"\n'
            + f'[service.web]\ncommand = {SLEEP}\ndirectory = "/"\nsockets = ["front"]\n'
        )
        for verb in ("plan", "apply"):
            done = node.run(verb)
            assert done.code == 3
            assert f"127.0.0.1:{port} for socket front" in done.text
            assert f"(pid {os.getpid()})" in done.text
    is_as_it_was(node, before, old)
    node.good("plan")
    assert is_free(port)
    node.good("apply")
    assert listeners(port)


@root
def test_the_policy_changes(node: Node, gate: Gate) -> None:
    """What was verified is refused when it is launched, with the line that would allow it, and all goes back."""
    policy = node.folder / "policy.toml"
    policy.write_text('users = ["root", "*"]\n')
    before, old = up(node, KEEP, "--policy", str(policy)), version(node)
    node.write(KEEP + first(gate) + second(SLEEP, 'user = "root"'))
    done = applied(node, gate, lambda: _write(policy, 'users = ["*"]\n'))
    assert (done.code, f"rolled back to {old[:7]}" in done.out) == (4, True), done.text
    assert 'allow it with  users = ["root", "*"]' in done.out
    is_as_it_was(node, before, old)
    node.write(KEEP + second(SLEEP, 'user = "root"').replace('requires = ["first"]', ""))
    assert node.run("apply").code == 3


def _write(file: Path, text: str) -> None:
    file.write_text(text)


@root
def test_a_privileged_port(node: Node) -> None:
    """Refused by policy with the line that would allow it, allowed by it, taken by a rival with its name."""
    port = next(one for one in range(901, 1000) if is_free(one))
    policy = node.folder / "policy.toml"
    policy.write_text("ports = []\n")
    before, old = up(node, KEEP, "--policy", str(policy)), version(node)
    web = f'[service.web]\ncommand = {SLEEP}\ndirectory = "/"\nsockets = ["front"]\n'
    node.write(KEEP + f'[socket.front]\nlisten = "127.0.0.1:{port}"\n' + web)
    done = node.run("apply")
    assert (done.code, f'ports = ["{port}"]  in {policy}' in done.text) == (3, True), done.text
    policy.write_text(f'ports = ["{port}"]\n')
    with socket.create_server(("127.0.0.1", port)):
        done = node.run("apply")
        assert (done.code, f"(pid {os.getpid()})" in done.text) == (3, True), done.text
    is_as_it_was(node, before, old)
    assert is_free(port)
    node.good("apply")
    inode = listeners(port)
    policy.write_text("ports = []\n")
    node.write(
        KEEP + f'[socket.front]\nlisten = "127.0.0.1:{port}"\n' + web + second(SLEEP).replace("first", "web")
    )
    node.good("apply")  # what is open already stays so, whatever the policy says since
    assert listeners(port) == inode


@root
def test_the_user_is_deleted(node: Node, gate: Gate, tmp_path: Path) -> None:
    """The launch is refused by the user's name, and all goes back. The node has a list of users of its own."""
    users = tmp_path / "passwd"
    line = "fleeting:x:61000:61000::/nonexistent:/bin/sh\n"
    kept = Path("/etc/passwd").read_text()
    users.write_text(kept + line)
    node.write(KEEP)
    up_apart(node, f"mount --bind {users} /etc/passwd")
    before, old = node.running(), version(node)
    node.write(KEEP + first(gate) + second(SLEEP, 'user = "fleeting"'))
    done = applied(node, gate, lambda: _write(users, kept))
    assert (done.code, f"rolled back to {old[:7]}" in done.out) == (4, True), done.text
    assert "fleeting" in done.out
    is_as_it_was(node, before, old)
    again = node.run("apply")
    assert (again.code, "fleeting" in again.text) == (3, True), again.text


def up_apart(node: Node, before: str) -> None:
    """Start a node whose mounts are its own, after this command of a shell."""
    command = f"{before} && exec {sys.executable} -m snowfox.cli.main up -d"
    subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", command],
        cwd=node.folder,
        env=environment(),
        check=True,
        capture_output=True,
        timeout=30,
    )


@root
def test_the_disk_is_full(node: Node) -> None:
    """What cannot be journalled does not happen; with room again it does."""
    node.write(KEEP)
    stores = "/var/lib/snowfox/projects"
    up_apart(node, f"mkdir -p {stores} && mount -t tmpfs -o size=4m,mode=755 none {stores}")
    before, old = node.running(), version(node)
    ballast = Path(f"/proc/{node.processes()['daemon']}/root{stores}/ballast")
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
    large = "".join(f"# {os.urandom(500).hex()}\n" for _ in range(600))
    node.write(KEEP + second(SLEEP).replace('requires = ["first"]', "") + large)
    done = node.run("apply")
    assert "is full" in done.text, done.text
    assert (done.code, "nothing was changed" in done.text) == (3, True), done.text
    assert node.running() == before
    assert version(node) == old
    assert old[:7] in node.run("status").out
    ballast.unlink()
    node.good("apply")
    assert node.running()["keep"] == before["keep"]
    assert "second" in node.running()


def test_the_branch_moves(node: Node, gate: Gate) -> None:
    """What was read is what is applied; the next apply takes what the branch is then."""

    def git(*words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]
        done = subprocess.run(
            ["git", *author, *words], cwd=node.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(text: str) -> str:
        node.write(text)
        git("add", "snowfox.toml")
        git("commit", "--quiet", "--message=x")
        return git("rev-parse", "HEAD")

    git("init", "--quiet", "--initial-branch=main")
    commit(KEEP)
    node.good("up", "-d", f"git:{node.folder}@main")
    before = node.running()
    moved: list[str] = []
    read = commit(KEEP + first(gate) + second(SLEEP))
    done = applied(
        node,
        gate,
        lambda: moved.append(commit(KEEP + first(gate) + second('["sleep", "1002"]'))),
        f"git:{node.folder}@main",
    )
    assert done.code == 0, done.text
    with node.session() as session:
        assert session.call(Manager.status, "*").commit == read
        for effect in ("sleep\0001001", "sleep\0001002"):
            pid = next(one.pid for one in session.call(Manager.status, "second").instances)
            assert Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0") == effect
            *_, end = session.stream(Manager.apply, f"git:{node.folder}@main", False, 0, False)
            assert end.code == 0
        assert session.call(Manager.status, "*").commit == moved[0]
    assert node.running()["keep"] == before["keep"]


def test_superseded(node: Node, gate: Gate) -> None:
    """A change that another takes the place of is undone whole, and says by whom; a client that goes away changes nothing."""
    before = up(node)
    node.write(KEEP + first(gate) + second(SLEEP))
    watching = node.begin("apply")
    leaving = None
    try:
        node.until(lambda: node.status().get("first", {}).get("state") == "starting", "the first waits")
        refused = node.run("apply")
        assert (refused.code, "#2 (apply by" in refused.err) == (3, True), refused.text
        node.write(KEEP + '[service.other]\ncommand = ["sleep", "1003"]\ndirectory = "/"\n')
        leaving = node.begin("apply", "--supersede")
        out = watching.communicate(timeout=20)[0]
        assert (watching.returncode, "superseded by #3" in out) == (4, True), out
        leaving.send_signal(signal.SIGKILL)
    finally:
        for command in (watching, *([leaving] if leaving else [])):
            command.kill()
            command.communicate()
    node.until(lambda: set(node.running()) == {"keep", "other"}, "the second change is made")
    node.until(lambda: node.run("status").code == 0, "all as wanted")
    assert node.running()["keep"] == before["keep"]


def test_verified_at_once(node: Node) -> None:
    """In the trace of the apply the verification of one socket begins before that of the other has ended; a refusal too."""
    before, old = up(node), version(node)
    ports = free_ports(2)
    sockets = "".join(f'[socket.s{port}]\nlisten = "127.0.0.1:{port}"\n' for port in ports)
    node.write(KEEP + sockets)
    with socket.create_server(("127.0.0.1", ports[1])):
        assert node.run("apply").code == 3
    is_as_it_was(node, before, old)
    node.good("apply")
    told = [json.loads(line) for line in node.good("events", "--json").splitlines()]
    steps = [one for one in told if one["kind"] == "change.step"]
    traces = list(dict.fromkeys(one["trace"] for one in steps))
    verified = [
        [(one["fact"]["resource"], one["fact"]["what"]) for one in steps if one["trace"] == trace]
        for trace in traces
    ]
    names = [f"socket s{port}" for port in ports]
    begun = [(name, "verifies") for name in names]
    assert [steps[:2] for steps in verified] == [begun, begun]
    assert sorted(verified[0][2:]) == sorted(zip(names, ("verified", "refused"), strict=True))
    assert sorted(verified[1][2:4]) == sorted((name, "verified") for name in names)
    assert verified[1][4] == (names[0], "begins")
