"""A node whose configuration is a folder, or a point in the history of a repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from snowfox.contract.manager import Manager
from snowfox.manager.freshness import EVERY, PATIENCE
from snowfox.testing.node import Node

SLEEP = 'command = "sleep 1000"\nready = { delay = "50ms" }\n'
is_root = os.geteuid() == 0


def fill(node: Node) -> None:
    """The folder form: a node and two services."""
    (node.folder / "services/shop").mkdir(parents=True)
    node.write('[node]\nname = "n"\n', "node.toml")
    node.write(SLEEP, "services/shop/web.toml")
    node.write(SLEEP + 'after = ["shop.web"]\n', "services/mail.toml")


def git(node: Node, *words: str) -> str:
    """Run git in the project."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]
    done = subprocess.run(
        ["git", *author, *words], cwd=node.folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(node: Node) -> str:
    """A first commit of what is there; its id."""
    git(node, "init", "--quiet", "--initial-branch=main")
    git(node, "add", "node.toml", "services")
    git(node, "commit", "--quiet", "--message=x")
    return git(node, "rev-parse", "HEAD")


def manager_restarts(node: Node) -> None:
    """A new manager takes over what runs, with the version in force."""
    before = node.running()
    manager = node.processes()["manager"]
    node.kill("manager")
    node.until(lambda: node.processes().get("manager", manager) != manager, "a new manager")
    node.until(lambda: node.run("status").code == 0, "all is as wanted")
    assert node.running() == before


def test_a_folder(node: Node) -> None:
    """All of its services run; a new manager keeps them whatever became of the files; `status` says that they changed."""
    fill(node)
    node.good("up", "-d")
    assert set(node.running()) == {"shop.web", "mail"}
    assert "files changed" not in node.good("status")
    manager_restarts(node)
    node.write(SLEEP, "services/new.toml")
    node.until(lambda: "files changed" in node.run("status").out, "the change is noticed")
    shutil.rmtree(node.folder / "services")
    (node.folder / "node.toml").unlink()
    manager_restarts(node)


def test_what_is_refused_leaves_nothing(node: Node) -> None:
    """By the command line, before anything starts."""
    fill(node)
    (node.folder / "services/etc").symlink_to("/etc")
    done = node.run("up", "-d")
    assert (done.code, done.text) == (3, "cannot read services/etc: it is a symbolic link\n")
    assert not node.processes()


def test_a_repository(node: Node) -> None:
    """What was committed runs, not what lies there; a branch that moves is noticed, and does not move the node."""
    fill(node)
    first = commit(node)
    node.write("not = committed", "services/mail.toml")
    node.good("up", "-d", "git:.@main")
    assert f"(main, commit {first[:7]})" in node.good("status")
    assert set(node.running()) == {"shop.web", "mail"}
    assert "files changed" not in node.good("status")
    manager_restarts(node)
    node.write(SLEEP, "services/mail.toml")
    git(node, "commit", "--quiet", "--all", "--message=y")
    node.until(lambda: "files changed" in node.run("status").out, "the change is noticed")
    shutil.rmtree(node.folder / ".git")
    manager_restarts(node)
    assert f"(main, commit {first[:7]})" in node.good("status")
    assert not [name for name in os.listdir(node.home / "logs") if "helper" in name]


def test_an_unknown_branch(node: Node) -> None:
    """Is refused, nothing starts."""
    fill(node)
    commit(node)
    done = node.run("up", "-d", "git:.@none")
    assert done.code == 3
    assert done.text.startswith("cannot read git:.@none: there is no branch, tag or commit none\n")
    assert not node.processes()


@pytest.mark.skipif(not is_root, reason="only root runs a node in somebody's folder")
def test_roots_node_in_a_closed_folder_of_an_ordinary_user(node: Node, tmp_path: Path) -> None:
    """Neither the manager nor root's git reads it: the daemon opens files, and git runs as the owner."""
    fill(node)
    first = commit(node)
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\nid -u >> {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git(node, "config", "core.fsmonitor", str(trap))
    for path in (node.folder, *node.folder.rglob("*")):
        os.chown(path, 1, 1)  # user daemon
    node.folder.chmod(0o700)
    node.good("up", "-d", f"git:.@{first[:12]}")
    assert all(os.stat(f"/proc/{one.pid}").st_uid == 1 for one in node.running().values())
    manager_restarts(node)
    assert "files changed" not in node.good("status")
    node.good("down")
    node.good("up", "-d")
    assert set(node.running()) == {"shop.web", "mail"}
    manager_restarts(node)
    assert not (tmp_path / "sprung").exists()


def test_a_slow_git_delays_no_status(node: Node) -> None:
    """One that hangs, at a FIFO where a branch was, is not waited for; once it answers what it found is told."""
    fill(node)
    commit(node)
    node.good("up", "-d", "git:.@main")
    branch = node.folder / ".git/refs/heads/main"
    branch.unlink()
    os.mkfifo(branch)
    with node.session() as session:
        for _ in range(3):
            time.sleep(EVERY)
            begin = time.monotonic()
            assert session.call(Manager.status, "*").notes == []
            assert time.monotonic() - begin < PATIENCE + 0.5
    os.close(os.open(branch, os.O_WRONLY))  # returns only when git reads there
    branch.unlink()
    node.until(lambda: "files changed" in node.run("status").out, "git answered")
