"""Files by every kernel."""

from __future__ import annotations

import errno
import os
import stat
from typing import Self

import pytest

from snowfox.errors import PosixError


def refused(number: int):
    """The block is refused with this errno."""
    return _Refused(number)


class _Refused:
    def __init__(self, number: int) -> None:
        self.number = number
        self.error: PosixError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> bool:
        assert isinstance(error, PosixError), f"not refused but {error!r}"
        assert error.errno == self.number, str(error)
        self.error = error
        return True


def test_sealed(world) -> None:
    """A file in memory is read from its start, by every descriptor opened of it anew too, and stays as it is."""
    made = world.posix.files.sealed("secret", b"content" * 10_000)
    assert world.posix.files.stat(made).mode & 0o777 == 0o400
    assert world.posix.files.read(made, 7) == b"content"
    again = world.posix.files.open(f"/proc/self/fd/{made}", os.O_RDONLY)
    assert world.posix.files.read(again, 1 << 20) == b"content" * 10_000
    for change in (lambda: world.posix.files.write(made, b"x"), lambda: world.posix.files.truncate(made, 3)):
        with pytest.raises(PosixError) as caught:
            change()
        assert caught.value.errno == errno.EPERM


def test_what_is_written_is_read(world) -> None:
    """A file keeps bytes, and a second open begins at its start."""
    world.put("a", b"one two")
    assert world.got("a") == b"one two"


def test_missing_file(world) -> None:
    """Opening nothing names the path and ENOENT in the words of a person."""
    with pytest.raises(PosixError) as caught:
        world.posix.files.open(world.path("none"), os.O_RDONLY)
    path = world.path("none")
    assert str(caught.value) == f"cannot open {path}: no such file or directory (ENOENT)"


def test_open_relative_to_a_folder(world) -> None:
    """A name relative to an open folder opens the file in it."""
    world.put("a", b"x")
    folder = world.open_folder()
    descriptor = world.posix.files.open("a", os.O_RDONLY, folder=folder)
    assert world.posix.files.read(descriptor, 10) == b"x"
    assert world.posix.files.read(descriptor, 10) == b""


def test_exclusive_creation(world) -> None:
    """O_EXCL refuses a file that exists."""
    world.put("a", b"")
    with refused(errno.EEXIST):
        world.posix.files.open(world.path("a"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def test_not_a_folder(world) -> None:
    """O_DIRECTORY refuses a file, and so does a path through it."""
    world.put("a", b"")
    with refused(errno.ENOTDIR):
        world.posix.files.open(world.path("a"), os.O_RDONLY | os.O_DIRECTORY)
    with refused(errno.ENOTDIR):
        world.posix.files.open(world.path("a/b"), os.O_RDONLY)


def test_the_umask_applies(world) -> None:
    """The mode of a new file lacks the bits of the umask."""
    before = world.posix.own.umask(0o027)
    try:
        descriptor = world.posix.files.open(world.path("a"), os.O_WRONLY | os.O_CREAT, mode=0o666)
    finally:
        assert world.posix.own.umask(before) == 0o027
    assert stat.S_IMODE(world.posix.files.stat(descriptor).mode) == 0o640


def test_append(world) -> None:
    """O_APPEND writes at the end, wherever that is by then."""
    first = world.posix.files.open(world.path("a"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    second = world.posix.files.open(world.path("a"), os.O_WRONLY | os.O_APPEND)
    world.posix.files.write(first, b"1")
    world.posix.files.write(second, b"2")
    world.posix.files.write(first, b"3")
    assert world.got("a") == b"123"


def test_read_at_leaves_the_position(world) -> None:
    """Reading at an offset does not move what the next read gives."""
    world.put("a", b"abcdef")
    descriptor = world.posix.files.open(world.path("a"), os.O_RDONLY)
    assert world.posix.files.read_at(descriptor, 2, offset=3) == b"de"
    assert world.posix.files.read_at(descriptor, 2, offset=10) == b""
    assert world.posix.files.read(descriptor, 2) == b"ab"


def test_read_at_of_a_pipe(world) -> None:
    """A pipe has no offsets."""
    reader, _ = world.posix.files.pipe()
    with refused(errno.ESPIPE):
        world.posix.files.read_at(reader, 1, offset=0)


def test_truncate(world) -> None:
    """A file is cut, and extended with zeros."""
    descriptor = world.posix.files.open(world.path("a"), os.O_RDWR | os.O_CREAT)
    world.posix.files.write(descriptor, b"abc")
    world.posix.files.truncate(descriptor, 1)
    world.posix.files.truncate(descriptor, 3)
    world.posix.files.sync(descriptor)
    assert world.got("a") == b"a\0\0"
    assert world.posix.files.stat(descriptor).size == 3


def test_wrong_direction(world) -> None:
    """A descriptor opened for reading cannot be written, nor the other way round."""
    world.put("a", b"")
    reader = world.posix.files.open(world.path("a"), os.O_RDONLY)
    writer = world.posix.files.open(world.path("a"), os.O_WRONLY)
    with refused(errno.EBADF):
        world.posix.files.write(reader, b"x")
    with refused(errno.EBADF):
        world.posix.files.read(writer, 1)


def test_closed_twice(world) -> None:
    """Closing what is not open is EBADF, and names the descriptor."""
    reader, _ = world.posix.files.pipe()
    world.posix.files.close(reader)
    with refused(errno.EBADF) as caught:
        world.posix.files.close(reader)
    assert str(caught.error) == f"cannot close descriptor {reader}: bad file descriptor (EBADF)"


def test_lowest_descriptor(world) -> None:
    """A new descriptor is the lowest free one, not below `least` where that is asked."""
    reader, writer = world.posix.files.pipe()
    world.posix.files.close(reader)
    assert world.posix.files.duplicate(writer) == reader
    # High enough that what other tests of this process have open does not reach there.
    assert world.posix.files.duplicate(writer, least=700) == 700


def test_duplicate_to(world) -> None:
    """A duplicate at a number replaces what was there and writes to the same pipe."""
    reader, writer = world.posix.files.pipe()
    other, _ = world.posix.files.pipe()
    world.posix.files.duplicate_to(writer, other, inherited=False)
    world.posix.files.write(other, b"x")
    assert world.posix.files.read(reader, 10) == b"x"
    world.posix.files.duplicate_to(other, other, inherited=True)


def test_lock_is_exclusive(world) -> None:
    """Another open of the same file does not get the lock until its holder's last descriptor is closed."""
    world.put("a", b"")
    first = world.posix.files.open(world.path("a"), os.O_RDWR)
    second = world.posix.files.open(world.path("a"), os.O_RDWR)
    assert world.posix.files.lock(first, wait=False)
    assert world.posix.files.lock(first, wait=True)
    assert not world.posix.files.lock(second, wait=False)
    copy = world.posix.files.duplicate(first)
    world.posix.files.close(first)
    assert not world.posix.files.lock(second, wait=False)
    world.posix.files.close(copy)
    assert world.posix.files.lock(second, wait=False)


def test_pipe(world) -> None:
    """A pipe gives what was put in, nothing meanwhile, and its end when the writer is gone."""
    reader, writer = world.posix.files.pipe()
    assert world.posix.files.read(reader, 10) is None
    assert world.posix.files.write(writer, b"abc") == 3
    assert world.posix.files.read(reader, 2) == b"ab"
    world.posix.files.close(writer)
    assert world.posix.files.read(reader, 2) == b"c"
    assert world.posix.files.read(reader, 2) == b""


def test_full_pipe(world) -> None:
    """A full pipe takes nothing, without waiting."""
    _, writer = world.posix.files.pipe()
    total = 0
    while (sent := world.posix.files.write(writer, bytes(4096))) is not None:
        total += sent
    assert total == 65536


def test_pipe_without_reader(world) -> None:
    """Writing where nobody reads is EPIPE and no signal."""
    reader, writer = world.posix.files.pipe()
    world.posix.files.close(reader)
    with refused(errno.EPIPE):
        world.posix.files.write(writer, b"x")


def test_stat(world) -> None:
    """Stat of a path and of a descriptor are of one file, with its owner."""
    world.put("a", b"abc")
    descriptor = world.posix.files.open(world.path("a"), os.O_RDONLY)
    by_path = world.posix.files.stat(world.path("a"))
    assert by_path == world.posix.files.stat(descriptor)
    assert stat.S_ISREG(by_path.mode)
    assert (by_path.uid, by_path.size, by_path.links) == (world.posix.own.ids().uid, 3, 1)


def test_stat_of_nothing(world) -> None:
    """ENOENT."""
    with refused(errno.ENOENT):
        world.posix.files.stat("none", folder=world.open_folder())


def test_link_target_of_a_file(world) -> None:
    """A file is no link."""
    world.put("a", b"")
    with refused(errno.EINVAL):
        world.posix.files.link_target(world.path("a"))


def test_too_long_name(world) -> None:
    """A name of more than 255 bytes is refused."""
    with refused(errno.ENAMETOOLONG):
        world.posix.files.open(world.path("x" * 256), os.O_RDONLY)


def test_out_of_descriptors(world) -> None:
    """The soft limit of descriptors is EMFILE."""
    soft, hard = world.posix.limits.get("NOFILE")
    highest = world.posix.files.duplicate(0)
    world.posix.limits.set("NOFILE", highest + 1, hard)
    try:
        with refused(errno.EMFILE):
            world.posix.files.duplicate(0)
        with refused(errno.EMFILE):
            world.posix.files.pipe()
    finally:
        world.posix.limits.set("NOFILE", soft, hard)


def test_a_pipe_can_hold_more(world) -> None:
    """What is no pipe is refused."""
    _, writer = world.posix.files.pipe()
    world.posix.files.enlarge(writer, 1 << 17)
    plain = world.posix.files.open(f"{world.folder}/plain", os.O_RDWR | os.O_CREAT)
    with pytest.raises(PosixError) as caught:
        world.posix.files.enlarge(plain, 1 << 17)
    assert caught.value.errno == errno.EBADF
