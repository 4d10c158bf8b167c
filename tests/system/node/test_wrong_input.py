"""Wrong input: one clear line, the right exit code, nothing started by halves, nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from snowfox.testing.node import Node, environment, remove_store

SERVICE = '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'


def refused(node: Node, *words: str, code: int = 3) -> str:
    """Run `up -d`: it is refused, prints no stack trace, and leaves nothing."""
    done = node.run(*(words or ("up", "-d")))
    assert done.code == code, done.text
    assert "Traceback" not in done.text
    assert node.left_behind() == []
    return done.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            SERVICE + 'restrt = "x"\n',
            ['cannot read service web: unknown key "restrt"', 'did you mean "restart"?', ":4:1:"],
        ),
        (
            '[service.web]\ncommand = "true"\ninstances = "two"\n',
            ["cannot read service web: instances", ":3:13:"],
        ),
        (
            '[service.web]\ncommand = "true"\nstop = { grace = "10 apples" }\n',
            ['"10 apples" is not a duration'],
        ),
        (
            SERVICE + 'requires = ["cach"]\n\n[service.cache]\ncommand = "true"\n',
            ["cach", 'did you mean "cache"?'],
        ),
        (
            SERVICE + 'requires = ["db"]\n\n[service.db]\ncommand = "true"\nrequires = ["web"]\n',
            ["web requires db requires web"],
        ),
        (SERVICE + '[http]\nlisten = "127.0.0.1:1"\n', ['"http" is not supported yet']),
        (SERVICE + 'sockets = ["front"]\n', ["front"]),
        ('[service.web\ncommand = "true"\n', ["snowfox.toml:1:"]),
        ('[service.web]\ncommand = ["echo", "${NOWHERE}"]\n', ["NOWHERE"]),
    ],
    ids=["key", "type", "duration", "dependency", "cycle", "later", "socket", "syntax", "variable"],
)
def test_configuration_is_refused(node: Node, text: str, words: list[str]) -> None:
    """Each mistake is named with its place, by `check` and by `up`, and `up` makes no folder."""
    node.write(text)
    checked = node.run("check")
    assert checked.code == 3
    for word in words:
        assert word in checked.text
    assert "Traceback" not in checked.text
    for word in words:
        assert word in refused(node)
    assert not node.home.exists()


def test_all_mistakes_are_listed_at_once(node: Node) -> None:
    """Three mistakes, three messages."""
    node.write(SERVICE + 'restrt = 1\nrequires = ["gone"]\nready = { tcp = 5 }\n')
    assert "3 errors" in node.run("check").text


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"#" * 10_000_000, ["snowfox.toml", "more than 1.0M"]), (b"\x00\x01\xff" * 100, ["snowfox.toml"])],
    ids=["10 MB", "binary"],
)
def test_odd_files_are_refused(node: Node, content: bytes, words: list[str]) -> None:
    """A file of 10 MB and a binary one are refused by name, without being read whole."""
    (node.folder / "snowfox.toml").write_bytes(content)
    for word in words:
        assert word in refused(node)


def test_a_fifo_is_refused(node: Node) -> None:
    """A FIFO in place of the file does not hang."""
    os.mkfifo(node.folder / "snowfox.toml")
    assert "snowfox.toml" in refused(node)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(node: Node) -> None:
    """The errno is named."""
    node.write(SERVICE)
    (node.folder / "snowfox.toml").chmod(0)
    assert "EACCES" in refused(node)


def test_nothing_there(node: Node) -> None:
    """`up` in an empty folder says how to begin."""
    assert "snowfox init" in refused(node)


def test_missing_program(node: Node) -> None:
    """It is refused before anything starts, with the program's name."""
    node.write(SERVICE + '\n[service.gone]\ncommand = ["/nowhere/program"]\ndirectory = "/"\n')
    assert "/nowhere/program" in refused(node)


def test_missing_folder(node: Node) -> None:
    """It is refused before anything starts, with the folder."""
    node.write('[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/nowhere/at/all"\n')
    assert "/nowhere" in refused(node)


def test_unknown_user(node: Node) -> None:
    """It is refused with the name."""
    node.write(SERVICE + 'user = "no-such-user-here"\n')
    assert "no-such-user-here" in refused(node)


def test_port_taken(node: Node) -> None:
    """It is refused with address and errno."""
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        node.write(f'[socket.front]\nlisten = "127.0.0.1:{port}"\n\n{SERVICE}sockets = ["front"]\n')
        text = refused(node)
    assert f"127.0.0.1:{port}" in text
    assert "EADDRINUSE" in text


def test_port_not_allowed(node: Node) -> None:
    """A port that policy does not allow is refused with the line that would."""
    policy = node.folder / "policy.toml"
    policy.write_text('ports = ["8000-8100"]\n')
    policy.chmod(0o644)
    node.write(f'[socket.front]\nlisten = "127.0.0.1:8200"\n\n{SERVICE}sockets = ["front"]\n')
    text = refused(node, "up", "-d", "--policy", str(policy))
    assert "not allowed by policy" in text
    assert 'ports = ["8200", "8000-8100"]' in text


def test_command_without_a_node(node: Node) -> None:
    """Exit 6, with how to start one."""
    for words in (("status",), ("logs",), ("restart", "web"), ("down",), ("modules",)):
        done = node.run(*words)
        assert done.code == 6, words
        assert "snowfox up" in done.text


def test_pattern_without_match(node: Node) -> None:
    """Exit 4 with the nearest name; a verb without a pattern is refused."""
    node.write(SERVICE)
    node.good("up", "-d")
    for words in (
        ("status", "wbe"),
        ("restart", "wbe"),
        ("logs", "wbe"),
        ("signal", "HUP", "wbe"),
        ("wait", "wbe"),
    ):
        done = node.run(*words)
        assert done.code == 4, (words, done)
        assert "web" in done.text
    assert node.run("restart").code == 2
    assert node.run("restrat", "web").code == 2


def test_a_program_that_vanishes_after_the_check(node: Node) -> None:
    """A launch that fails names step, object and errno."""
    program = node.folder / "program"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    node.write(
        f'[service.web]\ncommand = ["{program}"]\ndirectory = "/"\nrestart = {{ delay = "0s", limit = 2 }}\n'
    )
    node.good("up", "-d")
    program.unlink()
    done = node.run("restart", "web")
    assert done.code == 1
    assert f"cannot launch web: execute {program}: no such file or directory (ENOENT)" in done.text + str(
        node.status()
    )


def test_deep_folder(node: Node) -> None:
    """A folder whose path has over 200 characters works like any other."""
    deep = node.folder / "/".join(["a-folder-with-a-name"] * 12)
    deep.mkdir(parents=True)
    below = Node(deep)
    below.write(SERVICE)
    try:
        below.good("up", "-d")
        assert "all as wanted" in below.good("status")
    finally:
        below.run("down")
    assert below.left_behind() == []


def test_few_descriptors(node: Node) -> None:
    """With a limit of 256 descriptors, what fits runs; what does not is refused in one line."""
    node.write(SERVICE + "instances = 20\n")
    command = [sys.executable, "-m", "snowfox.cli.main"]
    limited = ["prlimit", "--nofile=256:256", *command]
    done = subprocess.run(
        [*limited, "up", "-d"],
        cwd=node.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    node.good("down")
    remove_store(node.folder)
    shutil.rmtree(node.home)
    node.write(SERVICE + "instances = 600\n")
    done = subprocess.run(
        [*limited, "up", "-d"],
        cwd=node.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert done.returncode == 3
    assert (
        "cannot run 600 instances: they need 1232 descriptors, and the limit is 256"
        in done.stdout + done.stderr
    )
    assert node.left_behind() == []


def test_json_is_json(node: Node) -> None:
    """Every command that prints facts has one JSON shape."""
    node.write(SERVICE)
    node.good("up", "-d")
    assert json.loads(node.good("status", "--json"))["instances"][0]["id"] == "web"
    assert isinstance(json.loads(node.good("modules", "--json")), list)
    for line in node.good("events", "--json").splitlines():
        assert json.loads(line)["kind"]


def test_more_sockets_than_can_be_kept(node: Node) -> None:
    """The 251st is refused, of a file or together with what is to go; 250 are kept also when the daemon dies."""

    def sockets(count: int, first: int = 0) -> str:
        names = [f"s{number}" for number in range(first, first + count)]
        tables = [f'[socket.{name}]\nlisten = "unix:@snowfox-{os.getpid()}-{name}"\n' for name in names]
        return "\n".join([*tables, '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'])

    node.write(sockets(251))
    done = node.run("up", "-d")
    assert done.code == 3, done.text
    why = "cannot read socket s250: all sockets have 251 addresses, more than the 250 of a node"
    assert done.text.startswith(f"snowfox.toml:752:10: {why}\n")
    node.write(sockets(250))
    node.good("up", "-d")
    before = node.running()
    node.write(sockets(250, first=1))
    done = node.run("apply")
    assert done.code == 3, done.text
    line = f"cannot open unix:@snowfox-{os.getpid()}-s250 for socket s250: 250 sockets are the most"
    assert done.text.splitlines()[:2] == [
        f"{line}, 250 are open and 0 reserved",
        "   those that go are open until the change is done: take them out in an apply of its own first",
    ]
    node.write(sockets(250))
    node.kill("daemon")
    node.until(lambda: "manager" not in node.processes(), "the manager has left")
    node.good("up", "-d")
    assert node.running() == before
