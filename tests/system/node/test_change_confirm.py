"""A change that is to be confirmed, while our processes are killed in between: it goes back by itself, or stays."""

from __future__ import annotations

import time

import pytest

from snowfox.testing.node import Node

FIRST = """
[service.keep]
command = ["sleep", "1000"]
directory = "/"

[service.web]
command = ["sleep", "1001"]
directory = "/"
environment = { DEBUG = "0" }
"""
SECOND = (
    FIRST.replace('DEBUG = "0"', 'DEBUG = "1"')
    + '[service.more]\ncommand = ["sleep", "1002"]\ndirectory = "/"\n'
)
ALL = ("daemon", "spawner", "manager")
KILLED = [("manager",), ALL]


def provisional(node: Node, seconds: int) -> tuple[str, float]:
    """Start with the first, apply the second; the first's id, and by when (wall clock, s) it is to be confirmed."""
    node.write(FIRST)
    node.good("up", "-d")
    before = node.version()
    node.write(SECOND)
    node.good("apply", "--confirm", f"{seconds}s")
    by = node.versions()[-1]["confirm_by"] / 1000
    return before, by


def lose(node: Node, killed: tuple[str, ...], pause: float = 0.0) -> None:
    """Kill these; they, or `up -d`, bring others. Each has come back then."""
    gone = {role: node.processes()[role] for role in killed}
    node.kill(*killed)
    if "daemon" in killed:
        node.until(lambda: not set(node.processes().values()) & set(gone.values()), "they are gone")
        time.sleep(pause)
        node.good("up", "-d")
    else:
        node.until(
            lambda: all(node.processes().get(role, pid) != pid for role, pid in gone.items()), "others came"
        )
    node.until(lambda: node.run("status").code == 0, "all is as wanted")


@pytest.mark.parametrize("killed", KILLED, ids="+".join)
def test_not_confirmed(node: Node, killed: tuple[str, ...]) -> None:
    """It waits on as long as was said, `status` tells, and then it goes back; what neither changed has its process."""
    before, by = provisional(node, 6)
    after, keep = node.version(), node.running()["keep"]
    lose(node, killed)
    assert time.time() < by, "too slow to prove anything"
    assert f"{after[:7]} goes back to {before[:7]} in " in node.run("status").out
    assert (node.version(), node.versions()[-1]["confirm_by"] / 1000) == (after, by)
    node.until(lambda: node.version() == before, "it went back", 20)
    assert time.time() >= by
    node.until(lambda: set(node.running()) == {"keep", "web"}, "what was new is gone")
    assert node.running()["keep"] == keep
    assert "DEBUG=0" in node.good("env", "web").splitlines()
    assert "goes back" not in node.run("status").out


@pytest.mark.parametrize(
    ("killed", "is_killed_first"),
    [(("manager",), True), (ALL, True), (ALL, False)],
    ids=["manager first", "all first", "confirmed first"],
)
def test_confirmed(node: Node, killed: tuple[str, ...], *, is_killed_first: bool) -> None:
    """It stays, once it is confirmed, before or after they are killed; and a rollback is a person's choice."""
    before, by = provisional(node, 5)
    after = node.version()
    if is_killed_first:
        lose(node, killed)
    assert "stays in force" in node.good("confirm")
    if not is_killed_first:
        lose(node, killed)
    assert node.run("confirm").code == 1
    time.sleep(max(0.0, by + 0.5 - time.time()))
    assert node.version() == after
    assert "more" in node.running()
    assert "goes back" not in node.run("status").out
    node.good("rollback")
    assert node.version() == before


def test_time_is_over_while_nothing_of_ours_runs(node: Node) -> None:
    """The next ones go back as soon as they are up, though the files say the version that nobody confirmed."""
    before, _ = provisional(node, 2)
    lose(node, ALL, pause=2.5)
    node.until(lambda: node.version() == before, "it went back", 15)
    node.until(lambda: set(node.running()) == {"keep", "web"}, "what was new is gone")
