"""A tree of files: what is taken, in which order, and every refusal by name, on the fake kernel."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from errno import EACCES

import pytest

from snowfox.core import tree
from snowfox.core.posix.api import Ids
from snowfox.core.tree import DEEPEST, Layout, is_environment_file, open_below, open_file, refusal, walk
from snowfox.errors import ConfigurationRefused, PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.disk import FifoNode, LinkNode, Node, SocketNode
from snowfox.testing.kernel.opened import Pipe

LAYOUT = Layout("node.toml", "services", ".toml")
ROOT = Ids(0, 0, ())


class Host:
    """A kernel with a project."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.posix = FakePosix(self.kernel)
        self.put("node.toml")
        self.folder = self.posix.files.open("/srv/shop", os.O_PATH | os.O_DIRECTORY)

    def put(self, name: str, text: str = "") -> None:
        """A file of the project."""
        self.kernel.write(f"/srv/shop/{name}", text.encode())

    def node(self, name: str, node: Node) -> None:
        """Something that is no file."""
        folder, _, last = f"/srv/shop/{name}".rpartition("/")
        self.kernel.folder(folder).entries[last] = node

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        self.node(name, LinkNode(target, ROOT, self.kernel.disk.number()))

    def names(self, after: str = "", most: int = 1000) -> list[str]:
        """What a walk finds."""
        found: list[str] = []
        with closing(walk(self.posix, self.folder, LAYOUT, after=after)) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) == most:
                    break
        return found

    def refused(self) -> str:
        """Why a walk ends."""
        with pytest.raises(ConfigurationRefused) as caught:
            self.names()
        return str(caught.value)


@pytest.fixture
def host() -> Host:
    """A host with `node.toml`."""
    return Host()


def test_what_is_taken(host: Host) -> None:
    """The main file and those with the suffix; other files and names with a dot in front are passed over."""
    for name in (
        "web.toml",
        "shop/web.toml",
        "shop/a/b.toml",
        "README.md",
        ".hidden.toml",
        ".git/x.toml",
        "x.toml~",
    ):
        host.put(f"services/{name}")
    host.put("other/x.toml")
    host.link("services/.#web.toml", "anna@host.1234")
    host.link("current", "/etc")
    assert host.names() == [
        "node.toml",
        "services/shop/a/b.toml",
        "services/shop/web.toml",
        "services/web.toml",
    ]


def test_no_tree_at_all(host: Host) -> None:
    """Neither the main file nor the folder must be there: who walks says what is missing."""
    host.posix.folders.remove("/srv/shop/node.toml")
    assert host.names() == []


def test_in_parts(host: Host) -> None:
    """Walked two at a time, each part after the last of the one before, it is the same tree, whatever sorts where."""
    for name in (
        "a.toml",
        "a/b.toml",
        "a/b/c.toml",
        "a/z.toml",
        "b-c/x.toml",
        "b/x.toml",
        "b.toml",
        "z.toml",
    ):
        host.put(f"services/{name.replace('.toml', '-x.toml')}")
    whole = host.names()
    assert len(whole) == 9
    parts: list[str] = []
    while part := host.names(parts[-1] if parts else "", most=2):
        parts += part
    assert parts == whole
    host.posix.folders.remove(f"/srv/shop/{whole[4]}")
    assert host.names(whole[4]) == whole[5:], "a name that is gone is still a place to go on from"


def test_what_does_not_belong_there(host: Host) -> None:
    """A link, a FIFO, a socket, a folder named like a file, each by its name and with what it is."""
    host.link("services/web", "/etc")
    assert host.refused() == "cannot read services/web: it is a symbolic link"
    host.node("services/web", FifoNode(0o644, ROOT, 7, Pipe()))
    assert host.refused() == "cannot read services/web: it is a FIFO"
    host.node("services/web", SocketNode(0o644, ROOT, 8, None))
    assert host.refused() == "cannot read services/web: it is a socket"
    host.node("services/web", Node(stat.S_IFCHR | 0o644, ROOT, 9))
    assert host.refused() == "cannot read services/web: it is a device"
    del host.kernel.folder("/srv/shop/services").entries["web"]
    host.put("services/web.toml/x.toml")
    assert host.refused() == "cannot read services/web.toml: it is a folder"


def test_the_top(host: Host) -> None:
    """The folder and the main file themselves are no links either."""
    host.link("services", "/etc")
    assert host.refused() == "cannot read services: it is a symbolic link"
    del host.kernel.folder("/srv/shop").entries["services"]
    host.put("services")
    assert host.refused() == "cannot read services: it is a file"
    host.link("node.toml", "/etc/shadow")
    assert host.refused() == "cannot read node.toml: it is a symbolic link"


def test_a_link_that_comes_in_between(host: Host) -> None:
    """A folder that is swapped for a link after it was looked at is not entered."""
    host.put("services/shop/web.toml")
    host.kernel.write("/etc/x.toml", b"secret")
    looked = host.posix.files.stat

    def swap(path: str | int, *, folder: int | None = None, follow: bool = False):
        found = looked(path, folder=folder, follow=follow)
        if path == "shop":
            host.link("services/shop", "/etc")
        return found

    host.posix.files.stat = swap  # type: ignore[method-assign]
    assert "cannot read services/shop: " in host.refused()


def test_names_that_cannot_be_shown(host: Host) -> None:
    """What would move a terminal, or is no UTF-8 and so could not be sent, is refused, written as Python would."""
    host.put("services/a\nb.md")
    assert host.names() == ["node.toml"], "what is passed over may be called as it likes"
    host.put("services/a\x1b[1m.toml")
    assert host.refused() == r"cannot read services/a\x1b[1m.toml: its name cannot be printed"
    assert str(refusal("caf\udce9.toml", "no")) == r"cannot read caf\udce9.toml: no"


def test_depth(host: Host) -> None:
    """As deep as it may be, and one more."""
    deep = "/".join("x" * (DEEPEST - 1))
    host.put(f"services/{deep}/web.toml")
    assert len(host.names()) == 2
    host.put(f"services/{deep}/y/web.toml")
    assert host.refused() == f"cannot read services/{deep}/y: it lies more than 32 folders deep"


def test_a_folder_of_very_many_names(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk is bounded also in what it passes over, and does not list more than it would take."""
    monkeypatch.setattr(tree, "MOST_ENTRIES", 10)
    for number in range(10):
        host.put(f"services/{number}.md")
    assert host.names() == ["node.toml"]
    host.put("services/z.md")
    assert (
        host.refused() == "cannot read services: there are more than 10 files and folders in it and before it"
    )


def test_a_folder_that_may_not_be_entered(host: Host) -> None:
    """The errno, at the folder that blocks."""
    host.put("services/shop/web.toml")
    host.kernel.fail("folders.names", EACCES)
    assert host.refused() == "cannot read services: permission denied (EACCES)"


def test_nothing_stays_open(host: Host) -> None:
    """Neither after a whole walk, nor after a part, nor after a refusal."""
    host.put("services/a/b/c.toml")
    host.put("services/a/b/d.toml")
    before = len(host.posix.process.descriptors)
    host.names()
    host.names(most=2)
    host.link("services/z", "/")
    host.refused()
    assert len(host.posix.process.descriptors) == before


def test_opening_one_file(host: Host) -> None:
    """Below folders that are no links, a regular file; what is not there is ENOENT."""
    host.put("a/b/production.env", "A=1")
    opened = open_below(host.posix, "a/b/production.env", folder=host.folder, title="t")
    assert host.posix.files.read(opened, 10) == b"A=1"
    for name in ("a/b/no.env", "no/x.env", "a/b/production.env/x"):
        with pytest.raises((PosixError, ConfigurationRefused)):
            open_below(host.posix, name, folder=host.folder, title=name)
    host.link("l", "/etc")
    host.kernel.write("/etc/x.env", b"")
    with pytest.raises(ConfigurationRefused, match=r"cannot read l/x.env: l: "):
        open_below(host.posix, "l/x.env", folder=host.folder, title="l/x.env")
    host.link("x.env", "/etc/x.env")
    with pytest.raises(ConfigurationRefused, match=r"cannot read x.env: it is a symbolic link"):
        open_file(host.posix, "x.env", folder=host.folder, title="x.env")


@pytest.mark.parametrize("name", [".env", "production.env", "a/.env.local", "a/b/c.env"])
def test_environment_files(name: str) -> None:
    """What a configuration may ask for besides."""
    assert is_environment_file(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "secrets/key",
        "../x.env",
        "/etc/x.env",
        "a//x.env",
        "./x.env",
        "x.env/",
        "a/../b.env",
        "a" * 3,
    ],
)
def test_no_environment_files(name: str) -> None:
    """Everything else, and every name that leads elsewhere than down."""
    assert not is_environment_file(name)
