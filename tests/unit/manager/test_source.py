"""The files of the configuration, through what the daemon does for it, and through git."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snowfox.contract.control import Seen, Source
from snowfox.core.config.registry import Sections
from snowfox.core.config.source import File, Sources
from snowfox.core.config.sources.folder import Further
from snowfox.core.posix.linux import LinuxPosix
from snowfox.daemon import sources as daemon_sources
from snowfox.daemon.sources import look_tree, open_source, open_tree
from snowfox.errors import ConfigurationRefused, StoreError
from snowfox.manager.source import Reader, check, pack, unpack


class Daemon:
    """Opens files of a folder, as the daemon does; something may happen before an answer."""

    def __init__(self, folder: Path) -> None:
        self.posix = LinuxPosix()
        self.folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self.before: dict[str, Callable[[], object]] = {}

    async def open_source(self, name: str) -> Source | None:
        """A file of the folder."""
        self.before.pop("open_source", lambda: None)()
        return open_source(self.posix, name, folder=self.folder, main="my.toml")

    async def open_tree(self, after: str) -> list[Source]:
        """Some of the tree."""
        return open_tree(self.posix, after, folder=self.folder)

    async def look_tree(self, after: str) -> list[Seen]:
        """Some of the tree."""
        self.before.pop("look_tree", lambda: None)()
        return look_tree(self.posix, after, folder=self.folder)


class Repository:
    """Has one version of a configuration."""

    def __init__(self) -> None:
        self.commits = {"main": "c" * 40}

    async def read(self, ref: str, *_: object) -> Sources:
        """At a point of its history."""
        return Sources("/srv", (File("snowfox.toml", "", 5, f"{ref}:snowfox.toml"),), ref, self.commits[ref])

    async def commit(self, ref: str) -> str:
        """Where that is now."""
        if ref not in self.commits:
            raise ConfigurationRefused(ref, "", [])
        return self.commits[ref]


class Project:
    """A folder, and who reads what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon: Any = Daemon(folder)
        self.repository: Any = Repository()
        self.reader = self.reading(None)

    def reading(self, further: Further | None) -> Reader:
        """A reader."""
        folder = str(self.folder)
        return Reader(self.daemon, LinuxPosix(), folder=folder, repository=self.repository, further=further)

    def put(self, *names: str, text: str = "") -> None:
        """Files."""
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    async def names(self, name: str = "snowfox.toml") -> list[str]:
        """Of what is read."""
        return [file.name for file in (await self.reader.read(name)).files]

    async def refused(self, name: str = "snowfox.toml", further: Further | None = None) -> str:
        """Why it is refused."""
        with pytest.raises(ConfigurationRefused) as caught:
            await self.reading(further).read(name)
        return str(caught.value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty one."""
    return Project(tmp_path)


async def test_what_is_stored_is_what_was_read(project: Project) -> None:
    """A restarted manager checks the very bytes of the first one, whatever the file says by then."""
    project.put("snowfox.toml", text='[service.web]\ncommand = "true"\n')
    sources = await project.reader.read("snowfox.toml")
    assert unpack(pack(sources)).replace(host="") == sources
    first = check(sources, Sections()).require()
    assert list(first.services) == ["web"]
    assert check(unpack(pack(sources)), Sections()).require() == first


async def test_a_host_that_gets_another_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read then is another version, unless the node has a name of its own; what was in force stays what it was."""

    def host(name: str) -> None:
        monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename=name))

    for text, is_the_same in (("", False), ('[node]\nname = "shop"\n', True)):
        project.put("snowfox.toml", text=text + '[service.web]\ncommand = "true"\n')
        sources = await project.reader.read("snowfox.toml")
        host("one")
        one, kept = check(sources, Sections()).require(), pack(sources)
        host("two")
        two = check(sources, Sections()).require()
        assert (one.version == two.version, one.node == two.node) == (is_the_same, is_the_same)
        assert check(unpack(pack(unpack(kept))), Sections()).require() == one


async def test_a_procfile_comes_with_its_environment(project: Project) -> None:
    """Files beside the main one are read where they are there."""
    project.put("Procfile", text="web: true\n")
    assert await project.names("Procfile") == ["Procfile"]
    project.put(".env", text="A=1\n")
    assert await project.names("Procfile") == ["Procfile", ".env"]


async def test_the_tree(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """In several parts, each read as it comes; stored and taken back it says the same."""
    monkeypatch.setattr(daemon_sources, "MOST_OPENED", 2)
    monkeypatch.setattr(daemon_sources, "MOST_SEEN", 3)
    project.put("node.toml")
    project.put(
        "services/a.toml", "services/b/c.toml", "services/b/d.toml", "services/e.toml", text='command = "x"\n'
    )
    sources = await project.reader.read("node.toml")
    assert [file.name for file in sources.files][1:] == [
        "services/a.toml",
        "services/b/c.toml",
        "services/b/d.toml",
        "services/e.toml",
    ]
    assert sorted(check(unpack(pack(sources)), Sections()).require().services) == ["a", "b.c", "b.d", "e"]
    assert unpack(pack(sources)).version() == sources.version()


async def test_a_tree_that_changes_while_it_is_read(project: Project) -> None:
    """Seen at the second look, by name: written, added, removed; so is a further file."""
    project.put("node.toml", "services/a.toml", "x.env")

    async def refused_after(act: Callable[[], object]) -> str:
        project.daemon.before["look_tree"] = act
        return await project.refused("node.toml", lambda _: ["x.env"])

    after = "it changed while it was read"
    assert (
        await refused_after(lambda: project.put("services/a.toml", text="x"))
        == f"cannot read services/a.toml: {after}"
    )
    assert (
        await refused_after(lambda: project.put("services/b.toml")) == f"cannot read services/b.toml: {after}"
    )
    assert (
        await refused_after((project.folder / "services/b.toml").unlink)
        == f"cannot read services/b.toml: {after}"
    )
    assert await refused_after(lambda: project.put("x.env", text="A=1")) == f"cannot read x.env: {after}"
    assert await refused_after((project.folder / "node.toml").unlink) == f"cannot read node.toml: {after}"
    assert await project.refused("node.toml") == "cannot read node.toml: it is gone"


async def test_further_files(project: Project) -> None:
    """By the daemon too, which opens environment files only; what is not there is left to the check."""
    project.put("snowfox.toml", "a/x.env")
    sources = await project.reading(lambda _: ["./a/x.env"]).read("snowfox.toml")
    assert [file.name for file in sources.files] == ["snowfox.toml", "a/x.env"]
    assert await project.refused(further=lambda _: ["../x.env"]) == (
        "cannot read ../x.env: it is outside of the configuration's folder"
    )
    sources = await project.reading(lambda _: ["no.env"]).read("snowfox.toml")
    assert [file.name for file in sources.files] == ["snowfox.toml"]
    (project.folder / "l.env").symlink_to("a/x.env")
    sources = await project.reading(lambda _: ["l.env", "a/x.env"]).read("snowfox.toml")
    assert sources.unread == {"l.env": "it is a symbolic link"}
    assert [file.name for file in sources.files] == ["snowfox.toml", "a/x.env"]


async def test_the_main_file(project: Project) -> None:
    """As `check` finds it: the first that is there, whatever the others are; not two forms, and not none."""
    with pytest.raises(
        ConfigurationRefused, match=r"there is no snowfox.toml and no node.toml and no Procfile in"
    ):
        await project.reader.main()
    os.mkfifo(project.folder / "Procfile")
    assert await project.reader.main() == "Procfile"
    project.put("node.toml")
    assert await project.reader.main() == "node.toml"
    project.put("snowfox.toml")
    with pytest.raises(ConfigurationRefused, match=r"there are snowfox.toml and node.toml in it"):
        await project.reader.main()
    (project.folder / "node.toml").unlink()
    assert await project.reader.main() == "snowfox.toml"


async def test_a_file_that_is_gone_is_refused(project: Project) -> None:
    """By name, and nothing is left open."""
    before = len(os.listdir("/proc/self/fd"))
    assert "it is gone" in await project.refused()
    (project.folder / "snowfox.toml").write_bytes(b"\0")
    assert "binary" in await project.refused()
    project.put("node.toml", "services/a.toml")
    (project.folder / "services/b.toml").write_bytes(b"\0")
    assert await project.refused("node.toml") == (
        "cannot read services/b.toml: it is a binary file (a NUL byte in line 1)"
    )
    assert len(os.listdir("/proc/self/fd")) == before


async def test_changed_files_differ(project: Project) -> None:
    """Another text, or no file any more, differs; the same text does not."""
    project.put("snowfox.toml")
    sources = await project.reader.read("snowfox.toml")
    assert not await project.reader.differs(sources)
    project.put("snowfox.toml", text="# changed\n")
    assert await project.reader.differs(sources)
    (project.folder / "snowfox.toml").unlink()
    assert await project.reader.differs(sources)


async def test_a_tree_that_looks_the_same_is_not_read_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status in a loop does not read a thousand files; one that was written, added or removed is noticed."""
    project.put("node.toml", "services/a.toml", "x.env")
    reader = project.reading(lambda _: ["x.env"])
    sources = await reader.read("node.toml")
    assert not await reader.differs(sources)
    opened: list[str] = []
    given = project.daemon.open_tree

    async def counted(after: str) -> list[Source]:
        opened.append(after)
        return await given(after)

    monkeypatch.setattr(project.daemon, "open_tree", counted)
    assert not await reader.differs(sources)
    assert opened == []
    project.put("services/a.toml", text="# changed")
    assert await reader.differs(sources)
    project.put("services/a.toml")
    assert not await reader.differs(sources)
    project.put("services/b.toml")
    assert await reader.differs(sources)
    (project.folder / "services/b.toml").unlink()
    assert not await reader.differs(sources)
    project.put("x.env", text="A=1")
    assert await reader.differs(sources)


async def test_a_branch_that_moved_differs(project: Project) -> None:
    """Its commit counts, nothing is read for that; a branch that is gone differs."""
    sources = await project.reader.read("git:main")
    assert (sources.name, sources.commit) == ("main", "c" * 40)
    assert unpack(pack(sources)).replace(host="") == sources
    assert not await project.reader.differs(sources)
    project.repository.commits["main"] = "d" * 40
    assert await project.reader.differs(sources)
    project.repository.commits.clear()
    assert await project.reader.differs(sources)


def test_what_an_earlier_snowfox_stored() -> None:
    """Without name, commit and titles it is what was read from files."""
    content = b'{"folder": "/srv", "files": [["snowfox.toml", "", 5]]}'
    assert unpack(content) == Sources("/srv", (File("snowfox.toml", "", 5),))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"folder": 1}', b"\xff", b'{"folder": "/", "files": [[1]]}']
)
def test_a_damaged_store_is_an_error_of_its_own(content: bytes) -> None:
    """Not a stack trace."""
    with pytest.raises(StoreError):
        unpack(content)
