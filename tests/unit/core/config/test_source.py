"""Files of a configuration, read from a real folder."""

import errno
import os
import socket

import pytest

from snowfox.core.config.source import LARGEST, File, Names, Sources, take
from snowfox.core.config.sources.folder import read
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import ConfigurationRefused, PosixError

NAMES = Names(("main.toml", "Other"), {"Other": (".env",)})


def read_at(path, shown=None):
    """Read what is at a path."""
    return read(str(path), names=NAMES, posix=LinuxPosix(), shown=shown)


def refusal(path, shown=None):
    """Why what is at a path is refused."""
    with pytest.raises(ConfigurationRefused) as caught:
        read_at(path, shown)
    return str(caught.value)


def test_folder(tmp_path):
    """The first main file of a folder is taken, with its owner; files of another are not."""
    (tmp_path / "Other").write_text("o")
    (tmp_path / ".env").write_text("e")
    (tmp_path / "main.toml").write_text("m")
    sources = read_at(tmp_path, "")
    assert sources == Sources(str(tmp_path), (File("main.toml", "m", os.getuid()),))
    assert sources.version() != Sources(str(tmp_path), (File("main.toml", "n", 0),)).version()


def test_beside(tmp_path):
    """What belongs to a main file is read with it, where it is there."""
    (tmp_path / "Other").write_text("o")
    assert [file.name for file in read_at(tmp_path).files] == ["Other"]
    (tmp_path / ".env").write_text("e")
    sources = read_at(tmp_path, "sub")
    assert [(file.name, file.title) for file in sources.files] == [
        ("Other", "sub/Other"),
        (".env", "sub/.env"),
    ]
    assert sources.main.name == "Other"
    env = sources.file(".env")
    assert env is not None
    assert env.text == "e"
    assert sources.file("none") is None


def test_file(tmp_path):
    """A file of any name can be named; it is shown as the person wrote it."""
    path = tmp_path / "x.toml"
    path.write_text("\N{ZERO WIDTH NO-BREAK SPACE}a = 1")
    sources = read_at(path, "some/x.toml")
    assert (sources.folder, sources.main.name, sources.main.title) == (str(tmp_path), "x.toml", "some/x.toml")
    assert sources.main.text == "a = 1"


def test_nothing_there(tmp_path):
    """A missing path and an empty folder are told apart, the latter with what to do."""
    assert refusal(tmp_path / "no") == f"cannot read {tmp_path}/no: no such file or directory (ENOENT)"
    with pytest.raises(ConfigurationRefused) as caught:
        read_at(tmp_path)
    assert str(caught.value) == f"cannot read {tmp_path}: there is no main.toml and no Other in it"
    assert caught.value.hint == "snowfox init  writes a first one"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "it is a FIFO"),
        (os.mkdir, "it is a folder"),
        (lambda path: os.symlink("/etc/passwd", path), "it is a symbolic link"),
    ],
    ids=["fifo", "folder", "link"],
)
def test_no_regular_file(tmp_path, make, why):
    """What is no regular file is refused by name, without waiting for it."""
    make(tmp_path / "main.toml")
    assert refusal(tmp_path, "") == f"cannot read main.toml: {why}"


def test_socket_in_the_way(tmp_path, monkeypatch):
    """A socket is named as one."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("main.toml")
        assert refusal(tmp_path, "") == "cannot read main.toml: it is a socket"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * (10 << 20), "it has 10.0M, more than 1.0M"),
        (b"a = 1\nb\0", "it is a binary file (a NUL byte in line 2)"),
        (b"a = 1\n\nb = '\xff'", "it is not UTF-8 (line 3)"),
    ],
    ids=["large", "binary", "latin-1"],
)
def test_no_text(tmp_path, data, why):
    """A large or binary file is one clear line."""
    (tmp_path / "main.toml").write_bytes(data)
    assert refusal(tmp_path, "") == f"cannot read main.toml: {why}"


def test_largest(tmp_path):
    """Exactly the bound is still read."""
    (tmp_path / "main.toml").write_bytes(b"#" * LARGEST)
    assert len(read_at(tmp_path).main.text) == LARGEST


def test_unreadable(tmp_path, monkeypatch):
    """A file that this user cannot read says so with its errno."""
    (tmp_path / "main.toml").write_text("")
    posix = LinuxPosix()
    allowed = posix.files.open

    def refuse(path, flags, **more):
        if path == "main.toml":
            raise PosixError("open", path, errno.EACCES)
        return allowed(path, flags, **more)

    monkeypatch.setattr(posix.files, "open", refuse)
    with pytest.raises(ConfigurationRefused, match=r"cannot read main.toml: permission denied \(EACCES\)"):
        read(str(tmp_path), names=NAMES, posix=posix, shown="")


def test_open_descriptor(tmp_path):
    """A descriptor goes through the same checks, and stays open."""
    path = tmp_path / "a"
    path.write_text("text")
    descriptor = os.open(path, os.O_RDONLY)
    assert take(descriptor, "a", posix=LinuxPosix()) == File("a", "text", os.getuid())
    os.close(descriptor)
    reader, writer = os.pipe()
    with pytest.raises(ConfigurationRefused, match="cannot read a: it is a FIFO"):
        take(reader, "a", posix=LinuxPosix())
    os.close(reader)
    os.close(writer)


def test_nothing_stays_open(tmp_path):
    """Reading and refusing leave no descriptor behind."""
    (tmp_path / "main.toml").write_text("x")
    before = os.listdir("/proc/self/fd")
    read_at(tmp_path)
    (tmp_path / "main.toml").write_bytes(b"\0")
    refusal(tmp_path)
    assert os.listdir("/proc/self/fd") == before
