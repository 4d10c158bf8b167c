"""What the daemon opens for the manager, and what it does not, on the fake kernel."""

from __future__ import annotations

import os
from errno import EACCES

import pytest

from snowfox.contract.control import Source
from snowfox.contract.start import SOURCES
from snowfox.core.posix.api import Ids
from snowfox.daemon import sources
from snowfox.daemon.sources import TREE, look_tree, open_source, open_tree
from snowfox.errors import ConfigurationRefused, NotPermitted
from snowfox.service.configuration import NAMES
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.disk import FifoNode, LinkNode
from snowfox.testing.kernel.opened import Pipe

ANNA = Ids(1000, 1000, (1000,))
SHOP = "/home/anna/shop"


class Host:
    """A host with a project of anna's in her closed home, and root's daemon."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/home/anna", ids=ANNA, mode=0o700)
        self.kernel.folder(SHOP, ids=ANNA, mode=0o700)
        self.root = FakePosix(self.kernel)
        self.folder = self.root.files.open(SHOP, os.O_RDONLY | os.O_DIRECTORY)

    def put(self, *names: str) -> None:
        """Files of anna's."""
        for name in names:
            self.kernel.write(f"{SHOP}/{name}", f"# {name}".encode(), ids=ANNA)

    def link(self, name: str, target: str) -> None:
        """A symbolic link of anna's."""
        folder, _, last = f"{SHOP}/{name}".rpartition("/")
        self.kernel.folder(folder).entries[last] = LinkNode(target, ANNA, self.kernel.disk.number())

    def open(self, name: str, main: str = "snowfox.toml") -> Source | None:
        """Ask for one file."""
        return open_source(self.root, name, folder=self.folder, main=main)

    def tree(self, after: str = "") -> list[Source]:
        """Ask for the next files."""
        return open_tree(self.root, after, folder=self.folder)

    def text(self, source: Source | None) -> bytes:
        """What it holds; it is closed."""
        assert source is not None
        text = self.root.files.read(source.file.number, 1000)
        source.file.close()
        return text or b""


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def test_both_sides_look_for_the_same() -> None:
    """What the command line checks is what the daemon opens."""
    assert NAMES.tree == TREE
    assert {*NAMES.main, *(name for more in NAMES.beside.values() for name in more)} == set(SOURCES)


def test_one_file(host: Host) -> None:
    """The file and its owner; what is not there is None; environment files may lie below."""
    host.put("snowfox.toml", "my.toml", "production.env", "a/b/.env.local")
    found = host.open("snowfox.toml")
    assert found is not None
    assert found.owner == 1000
    assert host.text(found) == b"# snowfox.toml"
    assert host.text(host.open("my.toml", main="my.toml")) == b"# my.toml"
    assert host.text(host.open("production.env")) == b"# production.env"
    assert host.text(host.open("a/b/.env.local")) == b"# a/b/.env.local"
    assert host.open(".env") is None
    assert host.open("no/x.env") is None
    with pytest.raises(ConfigurationRefused, match="not a directory"):
        host.open("snowfox.toml/x.env")


@pytest.mark.parametrize(
    "name",
    ["../../../etc/shadow", "/etc/shadow", "/etc/x.env", "../x.env", "a/../x.env", "secrets/key", "my.toml", "", ".snowfox/lock",
     ".snowfox/x.env", "a\0.env/..", "a\0.env", "node.toml/../x", "services/web.toml", "git:main"],
)  # fmt: skip
def test_other_names_are_not_permitted(host: Host, name: str) -> None:
    """A manager that was taken over cannot read the host, nor the rest of the project, through the daemon."""
    host.put("secrets/key", "my.toml", "git:main", ".snowfox/x.env")
    with pytest.raises(NotPermitted):
        host.open(name, main="git:main")


def test_links_are_not_followed(host: Host) -> None:
    """Neither a file nor a folder of a person may lead root's daemon to one that the person cannot read."""
    host.kernel.write("/etc/shadow.env", b"secret", mode=0o600)
    host.link(".env", "/etc/shadow.env")
    host.link("etc", "/etc")
    host.link("snowfox.toml", "/etc/shadow.env")
    for name, why in ((".env", ".env: it is a symbolic link"), ("etc/shadow.env", "etc/shadow.env: etc: ")):
        with pytest.raises(ConfigurationRefused, match=f"cannot read {why}"):
            host.open(name)
    with pytest.raises(ConfigurationRefused, match=r"cannot read snowfox.toml: it is a symbolic link"):
        host.open("snowfox.toml")


def test_the_tree_in_parts(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call opens a few and goes on after the last; the looks see the same files."""
    monkeypatch.setattr(sources, "MOST_OPENED", 2)
    monkeypatch.setattr(sources, "MOST_SEEN", 3)
    host.put(
        "node.toml",
        "services/a.toml",
        "services/b/c.toml",
        "services/b/d.toml",
        "services/e.toml",
        "other.toml",
    )
    found: list[tuple[str, bytes]] = []
    while part := host.tree(found[-1][0] if found else ""):
        assert len(part) <= 2
        assert all(source.owner == 1000 for source in part)
        found += [(source.name, host.text(source)) for source in part]
    names = ["node.toml", "services/a.toml", "services/b/c.toml", "services/b/d.toml", "services/e.toml"]
    assert found == [(name, f"# {name}".encode()) for name in names]
    seen: list[str] = []
    while looks := look_tree(host.root, seen[-1] if seen else "", folder=host.folder):
        seen += [look.name for look in looks]
    assert seen == names


def test_no_tree(host: Host) -> None:
    """Nothing there is an empty answer."""
    assert host.tree() == []
    assert look_tree(host.root, "", folder=host.folder) == []


@pytest.mark.parametrize("after", ["zzz", "../..", "/etc", "services/../../../etc", "\0", "node.toml/x/y"])
def test_a_place_to_go_on_from_is_only_compared(host: Host, after: str) -> None:
    """Whatever a manager says there, it leads nowhere."""
    host.kernel.write("/home/anna/x.toml", b"")
    host.put("node.toml", "services/a.toml")
    assert {source.name for source in host.tree(after)} <= {"node.toml", "services/a.toml"}


def test_what_does_not_belong_there(host: Host) -> None:
    """Is refused by name, and what was opened before it is closed."""
    host.put("node.toml", "services/a.toml")
    before = len(host.root.process.descriptors)
    host.link("services/b", "/etc")
    with pytest.raises(ConfigurationRefused, match=r"cannot read services/b: it is a symbolic link"):
        host.tree()
    with pytest.raises(ConfigurationRefused, match=r"cannot read services/b: it is a symbolic link"):
        look_tree(host.root, "", folder=host.folder)
    host.kernel.folder(f"{SHOP}/services").entries["b"] = FifoNode(0o644, ANNA, 9, Pipe())
    with pytest.raises(ConfigurationRefused, match=r"cannot read services/b: it is a FIFO"):
        host.tree()
    del host.kernel.folder(f"{SHOP}/services").entries["b"]
    host.kernel.fail("files.open", EACCES, path="a.toml")
    with pytest.raises(ConfigurationRefused, match=r"cannot read services/a.toml: permission denied"):
        host.tree()
    assert len(host.root.process.descriptors) == before


def test_a_file_that_goes_in_between(host: Host) -> None:
    """Is left out: that it is missing shows at the second look."""
    host.put("node.toml", "services/a.toml")
    host.kernel.fail("files.open", 2, path="a.toml")
    assert [source.name for source in host.tree()] == ["node.toml"]
