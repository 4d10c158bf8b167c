"""git as a helper: as whom, within which bounds, and that a helper that ends badly is told in plain words."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from errno import EACCES
from pathlib import Path
from typing import Any

import pytest

from snowfox.contract.spawner import Launch
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import ConfigurationRefused, LaunchFailed, NotPermitted
from snowfox.manager import repository
from snowfox.manager.blueprint import helper_uid
from snowfox.manager.repository import Means, Repository
from snowfox.service.configuration import NAMES
from snowfox.values import UNKNOWN_EXIT, Exit


class Welcome:
    """What is looked at of a welcome."""

    def __init__(self, root: Path | str, uid: int = -1, owner: int | None = None) -> None:
        self.root = str(root)
        self.uid = uid
        self.owner = os.stat(root).st_uid if owner is None else owner


class Helpers:
    """Runs what is launched as a child of the test, or does what the test says."""

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self.act: Callable[[int], Any] | None = None
        self.killed = 0

    async def __call__(self, launch: Launch, capture: Callable[[int], None]) -> Exit:
        """As the connector does."""
        self.launches.append(launch)
        reader, writer = LinuxPosix().files.pipe()
        capture(reader)
        try:
            if self.act is not None:
                end: Exit = await self.act(writer)
                return end
            os.set_blocking(writer, True)
            child = await asyncio.create_subprocess_exec(
                *launch.arguments,
                env=launch.environment,
                cwd=launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
            )
            return Exit(await child.wait())
        except asyncio.CancelledError:
            self.killed += 1
            raise
        finally:
            os.close(writer)


def repository_of(welcome: Welcome, helpers: Helpers) -> Repository:
    """Over these."""
    given: Any = welcome
    return Repository(Means(LinuxPosix(), given, lambda: "0" * 26, helpers))


async def refused(helpers: Helpers, welcome: Welcome) -> str:
    """Why reading `main` is refused."""
    with pytest.raises(ConfigurationRefused) as caught:
        await repository_of(welcome, helpers).read("main", NAMES)
    return str(caught.value)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository."""
    (tmp_path / "services").mkdir()
    (tmp_path / "node.toml").write_text("# node\n")
    for number in range(30):
        (tmp_path / f"services/{number}.toml").write_text("#" * 10_000 + str(number))
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*author, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


async def test_reading(shop: Path) -> None:
    """More than a FIFO holds, whole; then only the commit."""
    helpers = Helpers()
    one = repository_of(Welcome(shop), helpers)
    sources = await one.read("main", NAMES)
    assert len(sources.files) == 31
    assert sources.files[-1].text == "#" * 10_000 + "9"
    assert await one.commit("main") == sources.commit
    assert {launch.token for launch in helpers.launches} == {"node..git~" + "0" * 26}
    assert {launch.user for launch in helpers.launches} == {""}
    with pytest.raises(ConfigurationRefused, match=f"cannot read git:{shop}@none: there is no branch"):
        await one.read("none", NAMES)


@pytest.mark.parametrize(("owner", "user"), [(0, ""), (1, "daemon"), (61199, None)])
async def test_as_whom(owner: int, user: str | None) -> None:
    """In root's node as the owner; where that is root as nobody in particular, which git is told to trust."""
    helpers = Helpers()

    async def refuse(_: int) -> Exit:
        msg = "no"
        raise NotPermitted(msg, "users = […]")

    helpers.act = refuse
    one = repository_of(Welcome("/", 61184, owner), helpers)
    if user is None:
        with pytest.raises(
            ConfigurationRefused, match="it belongs to uid 61199, which is no user that git could run as"
        ):
            await one.commit("main")
        return
    with pytest.raises(NotPermitted):
        await one.commit("main")
    (launch,) = helpers.launches
    uid = helper_uid("/", LinuxPosix().users, 61184)
    assert launch.user == (user or str(uid))
    assert 61184 < uid <= 65519
    assert ("safe.directory" in launch.environment.values()) == (owner == 0)


async def test_a_helper_that_prints_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed at the bound."""
    monkeypatch.setattr(repository, "MOST_OUTPUT", 1000)
    helpers = Helpers()

    async def print_much(writer: int) -> Exit:
        os.write(writer, b"x" * 1001)
        await asyncio.sleep(60)
        return Exit(0)

    helpers.act = print_much
    assert "git printed more than 68.0M" in await refused(helpers, Welcome("/"))
    assert helpers.killed == 1


async def test_a_helper_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed at its deadline."""
    monkeypatch.setattr(repository, "DEADLINE", 0.02)
    helpers = Helpers()

    async def hang(_: int) -> Exit:
        await asyncio.sleep(60)
        return Exit(0)

    helpers.act = hang
    assert "git did not end within 30 s" in await refused(helpers, Welcome("/"))
    assert helpers.killed == 1


async def test_a_helper_that_ends_badly() -> None:
    """Killed, or seen by nobody: refused, never half an answer."""
    helpers = Helpers()
    for end in (Exit(signal=9), UNKNOWN_EXIT):

        async def stop(writer: int, end: Exit = end) -> Exit:
            os.write(writer, b"c" * 40 + b"\n")
            return end

        helpers.act = stop
        assert (await refused(helpers, Welcome("/"))).startswith("cannot read git:/@main: ")


async def test_a_folder_that_git_may_not_enter() -> None:
    """A refusal with the folder, and what to do where root owns it; the helper's own name says nothing to a person."""
    helpers = Helpers()

    async def fail(_: int) -> Exit:
        raise LaunchFailed("node..git", "change to folder", "/root/x", EACCES)

    helpers.act = fail
    with pytest.raises(ConfigurationRefused) as caught:
        await repository_of(Welcome("/", 61184, 0), helpers).commit("main")
    assert (
        str(caught.value)
        == "cannot read git:/@main: git cannot change to folder /root/x: permission denied (EACCES)"
    )
    assert caught.value.hint == "it runs as a user that has nothing: let all enter and read the folder"


async def test_cancelled() -> None:
    """Who asked went away: the helper is killed, nothing stays open."""
    before = len(os.listdir("/proc/self/fd"))
    helpers = Helpers()

    async def hang(_: int) -> Exit:
        await asyncio.sleep(60)
        return Exit(0)

    helpers.act = hang
    task = asyncio.ensure_future(repository_of(Welcome("/"), helpers).commit("main"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert helpers.killed == 1
    assert len(os.listdir("/proc/self/fd")) == before
