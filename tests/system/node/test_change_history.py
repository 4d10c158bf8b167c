"""A history of two hundred versions, walked forwards and backwards; what runs is what each of them says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from snowfox.contract.manager import Manager
from snowfox.core.rpc.blocking import Session
from snowfox.testing.node import Node
from snowfox.testing.world import MARK, processes

VERSIONS = 200
NAMES = ("a", "b", "c", "d", "e")
World = dict[str, tuple[int, int]]
"""By service: how many instances, and the value in their environment."""


def step(world: World, random: Random, number: int) -> World:
    """Another version: a service comes, goes, changes, or has more or fewer instances."""
    found = dict(world)
    name = random.choice(NAMES)
    if name not in found:
        found[name] = (random.randint(1, 3), number)
    elif len(found) > 1 and random.random() < 0.3:
        del found[name]
    else:
        instances, value = found[name]
        found[name] = (random.randint(1, 3), value) if random.random() < 0.5 else (instances, number)
    return found


def text(world: World, folder: Path) -> str:
    """The configuration that says so."""
    parts = ['[defaults]\nrestart = { early = "0s" }\n']
    for name, (instances, value) in world.items():
        environment = f'{{ {MARK} = "{folder}", WHO = "{name}${{INSTANCE}}", VALUE = "{value}" }}'
        parts.append(
            f'[service.{name}]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
            f"instances = {instances}\nenvironment = {environment}\n"
        )
    return "\n".join(parts)


def git(node: Node, *words: str) -> str:
    """Run git in the project."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]
    done = subprocess.run(
        ["git", *author, *words], cwd=node.folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def history(node: Node) -> list[tuple[str, World]]:
    """The commits, the oldest first, with what each says."""
    random = Random(20261125)
    git(node, "init", "--quiet", "--initial-branch=main")
    found: list[tuple[str, World]] = []
    world: World = {"a": (1, 0)}
    for number in range(VERSIONS):
        node.write(text(world, node.folder))
        git(node, "add", "snowfox.toml")
        git(node, "commit", "--quiet", "--allow-empty", f"--message={number}")
        found.append((git(node, "rev-parse", "HEAD"), world))
        world = step(world, random, number + 1)
    return found


def runs(node: Node) -> list[tuple[str, str]]:
    """What is there on the host: which instance, with which value."""
    return sorted((one.environment["WHO"], one.environment["VALUE"]) for one in processes(node.folder))


def apply(session: Session, node: Node, commit: str, world: World) -> None:
    """Go to a version, and look at the world."""
    *_, end = session.stream(Manager.apply, f"git:{node.folder}@{commit}", False, 0, False)
    assert end.code == 0, end
    expected = sorted(
        (f"{name}{number}", str(value))
        for name, (instances, value) in world.items()
        for number in range(1, instances + 1)
    )
    assert runs(node) == expected


def test_forwards_and_backwards(node: Node) -> None:
    """After each change just those instances run, with those values; what no version changed has the pid of before."""
    commits = history(node)
    node.good("up", "-d", f"git:{node.folder}@{commits[0][0]}")
    with node.session() as session:
        for commit, world in (*commits[1:], *reversed(commits[:-1])):
            before = {one.environment["WHO"]: one for one in processes(node.folder)}
            apply(session, node, commit, world)
            for one in processes(node.folder):
                same = before.get(one.environment["WHO"])
                assert (
                    same is None
                    or same.environment["VALUE"] != one.environment["VALUE"]
                    or same.pid == one.pid
                )
