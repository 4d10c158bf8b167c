"""A configuration by path, from real files: the three forms, and what is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from snowfox.core import tree
from snowfox.core.config import source
from snowfox.core.config.source import LARGEST, Gathering, Names, Sources
from snowfox.core.config.sources.folder import Further, read
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.tree import Layout, Stamp
from snowfox.errors import ConfigurationRefused

NAMES = Names(("alone.toml", "Other"), {"Other": (".env",)}, Layout("node.toml", "services", ".toml"))


def put(folder: Path, *names: str) -> None:
    """Files that hold their own names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")


def read_at(path: Path, further: Further | None = None) -> Sources:
    """Read what is at a path."""
    return read(str(path), names=NAMES, posix=LinuxPosix(), shown="", further=further)


def refusal(path: Path, further: Further | None = None) -> str:
    """Why what is at a path is refused."""
    with pytest.raises(ConfigurationRefused) as caught:
        read_at(path, further)
    return str(caught.value)


def test_the_tree(tmp_path: Path) -> None:
    """The main file first, then the others; named by itself or by its folder it is the same."""
    put(tmp_path, "node.toml", "services/b.toml", "services/a/x.toml", "services/README", "Other", ".env")
    sources = read_at(tmp_path)
    assert [file.name for file in sources.files] == ["node.toml", "services/a/x.toml", "services/b.toml"]
    assert sources.files[1].text == "# services/a/x.toml\n"
    assert (sources.folder, sources.called, sources.commit) == (str(tmp_path), "node.toml", "")
    assert read_at(tmp_path / "node.toml") == sources


def test_two_forms_at_once(tmp_path: Path) -> None:
    """Nobody knows which one was meant; naming one decides."""
    put(tmp_path, "node.toml", "alone.toml")
    with pytest.raises(ConfigurationRefused) as caught:
        read(str(tmp_path), names=NAMES, posix=LinuxPosix(), shown="shop")
    assert str(caught.value) == "cannot read shop: there are alone.toml and node.toml in it"
    assert caught.value.hint == "name one: shop/alone.toml"
    assert [file.name for file in read_at(tmp_path / "alone.toml").files] == ["alone.toml"]
    assert [file.name for file in read_at(tmp_path / "node.toml").files] == ["node.toml"]


def test_no_form(tmp_path: Path) -> None:
    """All that would do is named."""
    put(tmp_path, "services/x.toml")
    assert (
        refusal(tmp_path)
        == f"cannot read {tmp_path}: there is no alone.toml and no node.toml and no Other in it"
    )


def test_the_version(tmp_path: Path) -> None:
    """Of names, texts and owners, whatever their order; another one of these is another version."""
    put(tmp_path, "node.toml", "services/a.toml", "services/b.toml")
    sources = read_at(tmp_path)
    main, a, b = sources.files
    assert Sources("/elsewhere", (main, b, a), "main", "0" * 40).version() == sources.version()
    other = b.replace(owner=b.owner + 1)
    assert Sources(sources.folder, (main, a, other)).version() != sources.version()
    (tmp_path / "services/b.toml").rename(tmp_path / "services/c.toml")
    assert read_at(tmp_path).version() != sources.version()


def test_a_link_out_of_the_tree(tmp_path: Path) -> None:
    """A file or folder elsewhere is not read by way of a link."""
    put(tmp_path, "node.toml", "services/a.toml")
    (tmp_path / "services/b.toml").symlink_to("/etc/passwd")
    assert refusal(tmp_path) == "cannot read services/b.toml: it is a symbolic link"
    (tmp_path / "services/b.toml").unlink()
    (tmp_path / "services/b").symlink_to("/etc")
    assert refusal(tmp_path) == "cannot read services/b: it is a symbolic link"


def test_a_fifo_does_not_wait(tmp_path: Path) -> None:
    """Nobody will ever write to it."""
    put(tmp_path, "node.toml", "services/a.toml")
    os.mkfifo(tmp_path / "services/b.toml")
    assert refusal(tmp_path) == "cannot read services/b.toml: it is a FIFO"


def test_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file, by its name; of all together."""
    put(tmp_path, "node.toml", "services/a.toml")
    (tmp_path / "services/b.toml").write_bytes(b"#" * (LARGEST + 1))
    assert refusal(tmp_path) == "cannot read services/b.toml: it has 1.0M, more than 1.0M"
    (tmp_path / "services/b.toml").write_bytes(b"#" * LARGEST)
    assert len(read_at(tmp_path).files) == 3
    monkeypatch.setattr(source, "MOST_BYTES", LARGEST)
    assert refusal(tmp_path) == "cannot read the configuration: its files have more than 1.0M together"


def test_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may be, and one more."""
    monkeypatch.setattr(source, "MOST_FILES", 3)
    put(tmp_path, "node.toml", "services/a.toml", "services/b.toml")
    assert len(read_at(tmp_path).files) == 3
    put(tmp_path, "services/c.toml")
    assert refusal(tmp_path) == "cannot read the configuration: it has more than 3 files"


def test_the_bounds() -> None:
    """What is promised."""
    assert (source.LARGEST, source.MOST_FILES, source.MOST_BYTES) == (1 << 20, 10_000, 64 << 20)
    assert (tree.MOST_FILES, tree.DEEPEST) == (10_000, 32)


class Writing(LinuxPosix):
    """Something happens right after a file was opened."""

    def __init__(self, last: str, act) -> None:
        super().__init__()
        opened = self.files.open

        def open_and_act(path: str, flags: int, *, mode: int = 0o600, folder: int | None = None) -> int:
            descriptor = opened(path, flags, mode=mode, folder=folder)
            if path == last:
                act()
            return descriptor

        self.files.open = open_and_act  # type: ignore[method-assign]


def appended(path: Path) -> None:
    """Another line."""
    with path.open("a") as file:
        file.write("# more\n")


@pytest.mark.parametrize(
    ("last", "act", "named"),
    [
        ("a.toml", lambda folder: appended(folder / "services/b.toml"), ""),
        ("b.toml", lambda folder: appended(folder / "services/a.toml"), "services/a.toml"),
        ("b.toml", lambda folder: put(folder, "services/c.toml"), "services/c.toml"),
        ("b.toml", lambda folder: put(folder, "services/0.toml"), "services/0.toml"),
        ("b.toml", lambda folder: (folder / "services/a.toml").unlink(), "services/a.toml"),
        ("b.toml", lambda folder: os.replace(folder / "node.toml", folder / "services/a.toml"), "node.toml"),
        ("b.toml", lambda folder: os.utime(folder / "services/a.toml", ns=(1, 1)), "services/a.toml"),
    ],
    ids=["before", "written", "after", "added", "removed", "replaced", "touched"],
)
def test_a_tree_that_changes_while_it_is_read(tmp_path: Path, last: str, act, named: str) -> None:
    """What was read before it changed is refused by name; what changed before it was read is read as it is."""
    put(tmp_path, "node.toml", "services/a.toml", "services/b.toml")
    posix = Writing(last, lambda: act(tmp_path))

    def attempt() -> Sources:
        return read(str(tmp_path), names=NAMES, posix=posix, shown="")

    if not named:
        assert "# more\n" in attempt().files[-1].text
        return
    with pytest.raises(ConfigurationRefused) as caught:
        attempt()
    assert str(caught.value) == f"cannot read {named}: it changed while it was read"
    assert caught.value.hint == "try again when nobody writes to it"


@pytest.mark.parametrize(
    "act", [appended, lambda path: os.truncate(path, 2), lambda path: os.utime(path, ns=(1, 1))]
)
def test_one_file_that_changes_while_it_is_read(tmp_path: Path, act) -> None:
    """Grown, cut, or with another time: it may hold half of two texts."""
    put(tmp_path, "alone.toml")
    posix = LinuxPosix()
    given = posix.files.read
    reads: list[int] = []

    def read_and_act(descriptor: int, size: int) -> bytes | None:
        data = given(descriptor, size)
        reads.append(descriptor)
        if len(reads) == 1:
            act(tmp_path / "alone.toml")
        return data

    posix.files.read = read_and_act  # type: ignore[method-assign]
    with pytest.raises(ConfigurationRefused, match=r"cannot read alone.toml: it changed while it was read"):
        read(str(tmp_path), names=NAMES, posix=posix, shown="")


def test_a_second_look() -> None:
    """What is there and was not read counts as well."""
    files = Gathering("main:")
    files.look_again([])
    with pytest.raises(ConfigurationRefused, match="cannot read main:x: it changed while it was read"):
        files.look_again([("x", Stamp(1, 2, 3, 4, 5))])


def test_further_files(tmp_path: Path) -> None:
    """Asked for once the others are read; they count for the version, each once."""
    put(tmp_path, "node.toml", "services/a.toml", "production.env", "env/.env.local")
    before = read_at(tmp_path)
    asked: list[Sources] = []

    def further(sources: Sources) -> list[str]:
        asked.append(sources)
        return ["./production.env", "env/.env.local", "services/../production.env"]

    sources = read_at(tmp_path, further)
    assert asked == [before]
    assert [file.name for file in sources.files[2:]] == ["production.env", "env/.env.local"]
    assert sources.version() != before.version()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x.env", "it is outside of the configuration's folder"),
        ("a/../../x.env", "it is outside of the configuration's folder"),
        ("/etc/x.env", "it is outside of the configuration's folder"),
        ("..", "it is outside of the configuration's folder"),
        ("secrets/key", "it is not called as an environment file is"),
    ],
)
def test_further_files_that_are_not_asked_for(tmp_path: Path, name: str, why: str) -> None:
    """They stay inside, and are called as what they are."""
    put(tmp_path, "x.env", "shop/alone.toml")
    assert refusal(tmp_path / "shop", lambda _: [name]) == f"cannot read {name}: {why}"


def test_further_files_that_are_refused(tmp_path: Path) -> None:
    """They are held to the same as the others; it is told by whoever asks, who may have more to say."""
    shop = tmp_path / "shop"
    put(tmp_path, "x.env", "shop/alone.toml", "shop/fine.env")
    (shop / "link.env").symlink_to("../x.env")
    (shop / "linked").symlink_to("..")
    (shop / "folder.env").mkdir()
    (shop / "binary.env").write_bytes(b"\0")
    os.mkfifo(shop / "fifo.env")
    unread = {
        "link.env": "it is a symbolic link",
        "linked/x.env": "linked: not a directory (ENOTDIR)",
        "folder.env": "it is a folder",
        "binary.env": "it is a binary file (a NUL byte in line 1)",
        "fifo.env": "it is a FIFO",
    }
    sources = read(
        str(shop), names=NAMES, posix=LinuxPosix(), shown="shop", further=lambda _: [*unread, "fine.env"]
    )
    assert sources.unread == unread
    assert [file.name for file in sources.files] == ["alone.toml", "fine.env"]


def test_nothing_stays_open(tmp_path: Path) -> None:
    """Reading and refusing leave no descriptor behind."""
    put(tmp_path, "node.toml", "services/a/b/c.toml", "x.env")
    before = os.listdir("/proc/self/fd")
    read_at(tmp_path, lambda _: ["x.env"])
    read_at(tmp_path, lambda _: ["no.env"])
    (tmp_path / "services/a/b/d").symlink_to("/")
    refusal(tmp_path)
    assert os.listdir("/proc/self/fd") == before
