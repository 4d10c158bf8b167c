"""Folders by every kernel."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from snowfox.errors import PosixError


def number_of(act) -> int:
    """The errno with which this is refused."""
    with pytest.raises(PosixError) as caught:
        act()
    return caught.value.errno


def bits(world, path: str) -> int:
    """Permission bits of a path."""
    return stat.S_IMODE(world.posix.files.stat(path).mode)


def test_link(world) -> None:
    """A second name in another folder is the same file; it never replaces, and of a link it names the link."""
    world.put("a", b"one")
    folder = world.open_folder()
    world.posix.folders.make(world.path("sub"), 0o700)
    into = world.posix.files.open("sub", os.O_RDONLY | os.O_DIRECTORY, folder=folder)
    world.posix.folders.link("a", "b", folder=folder, into=into)
    found = world.posix.files.stat("b", folder=into)
    assert (found.inode, found.links) == (world.posix.files.stat("a", folder=folder).inode, 2)
    for old, number in (("a", errno.EEXIST), ("none", errno.ENOENT), ("sub", errno.EPERM)):
        new = "b" if old == "a" else "c"
        with pytest.raises(PosixError) as caught:
            world.posix.folders.link(old, new, folder=folder, into=into)
        assert caught.value.errno == number
    world.posix.folders.remove("a", folder=folder)
    assert world.got("sub/b") == b"one"


def test_exact_modes(world) -> None:
    """Folders and FIFOs get exactly the mode asked for, whatever the umask is."""
    before = world.posix.own.umask(0o077)
    try:
        world.posix.folders.make(world.path("d"), 0o775)
        world.posix.folders.make_fifo(world.path("f"), 0o642)
    finally:
        world.posix.own.umask(before)
    assert bits(world, world.path("d")) == 0o775
    assert bits(world, world.path("f")) == 0o642
    assert stat.S_ISFIFO(world.posix.files.stat(world.path("f")).mode)


def test_names(world) -> None:
    """A folder lists its names by path and by descriptor."""
    folder = world.open_folder()
    world.put("a", b"")
    world.posix.folders.make("d", 0o700, folder=folder)
    assert sorted(world.posix.folders.names(folder)) == ["a", "d"]
    assert sorted(world.posix.folders.names(world.folder)) == ["a", "d"]


def test_names_of_a_file(world) -> None:
    """A file has no names in it."""
    world.put("a", b"")
    assert number_of(lambda: world.posix.folders.names(world.path("a"))) == errno.ENOTDIR


def test_make_what_exists(world) -> None:
    """EEXIST."""
    world.put("a", b"")
    assert number_of(lambda: world.posix.folders.make(world.path("a"), 0o700)) == errno.EEXIST
    assert number_of(lambda: world.posix.folders.make_fifo(world.path("a"), 0o700)) == errno.EEXIST


def test_make_in_nothing(world) -> None:
    """A folder is not made where its parent is missing."""
    assert number_of(lambda: world.posix.folders.make(world.path("no/d"), 0o700)) == errno.ENOENT


def test_remove(world) -> None:
    """Files and empty folders go; each kind only by its own form."""
    folder = world.open_folder()
    world.put("a", b"")
    world.posix.folders.make("d", 0o700, folder=folder)
    world.put("d/b", b"")
    remove = world.posix.folders.remove
    assert number_of(lambda: remove("d", folder=folder)) == errno.EISDIR
    assert number_of(lambda: remove("a", folder=folder, is_folder=True)) == errno.ENOTDIR
    assert number_of(lambda: remove("d", folder=folder, is_folder=True)) == errno.ENOTEMPTY
    remove("d/b", folder=folder)
    remove("d", folder=folder, is_folder=True)
    remove(world.path("a"))
    assert world.posix.folders.names(folder) == []
    assert number_of(lambda: remove("a", folder=folder)) == errno.ENOENT


def test_removed_while_open(world) -> None:
    """An open file outlives its name."""
    world.put("a", b"abc")
    descriptor = world.posix.files.open(world.path("a"), os.O_RDONLY)
    world.posix.folders.remove(world.path("a"))
    assert world.posix.files.read(descriptor, 10) == b"abc"
    assert world.posix.files.stat(descriptor).links == 0


def test_rename_replaces(world) -> None:
    """The new name holds the old content at once."""
    folder = world.open_folder()
    world.put("a", b"old")
    world.put("b", b"new")
    world.posix.folders.rename("b", "a", folder=folder)
    assert world.posix.folders.names(folder) == ["a"]
    assert world.got("a") == b"new"
    assert number_of(lambda: world.posix.folders.rename("b", "a", folder=folder)) == errno.ENOENT


def test_set_mode(world) -> None:
    """Permission bits are set by path and by descriptor."""
    world.put("a", b"")
    world.posix.folders.mode(world.path("a"), 0o604)
    assert bits(world, world.path("a")) == 0o604
    world.posix.folders.mode(world.posix.files.open(world.path("a"), os.O_RDONLY), 0o640)
    assert bits(world, world.path("a")) == 0o640


def test_own_what_is_ours(world) -> None:
    """Giving a file to whom it belongs is allowed to anybody."""
    world.put("a", b"")
    ids = world.posix.own.ids()
    world.posix.folders.own(world.path("a"), ids.uid, ids.gid)
    world.posix.folders.own("a", -1, -1, folder=world.open_folder())
    assert world.posix.files.stat(world.path("a")).uid == ids.uid


def test_give_away(world) -> None:
    """Root gives a file to another user; others may not."""
    world.put("a", b"")
    if world.is_root:
        world.posix.folders.own(world.path("a"), 4242, 4343)
        found = world.posix.files.stat(world.path("a"))
        assert (found.uid, found.gid) == (4242, 4343)
    else:
        assert number_of(lambda: world.posix.folders.own(world.path("a"), 0, 0)) == errno.EPERM


def test_fifo(world) -> None:
    """A FIFO opened both ways carries bytes to a reader, and never ends."""
    world.posix.folders.make_fifo(world.path("f"), 0o600)
    with pytest.raises(PosixError) as caught:
        world.posix.files.open(world.path("f"), os.O_WRONLY | os.O_NONBLOCK)
    assert caught.value.errno == errno.ENXIO
    reader = world.posix.files.open(world.path("f"), os.O_RDONLY | os.O_NONBLOCK)
    both = world.posix.files.open(world.path("f"), os.O_RDWR)
    assert world.posix.files.read(reader, 10) is None
    world.posix.files.write(both, b"line\n")
    assert world.posix.files.read(reader, 10) == b"line\n"
    world.posix.files.close(both)
    assert world.posix.files.read(reader, 10) == b""


def test_permission(world) -> None:
    """A folder without permissions is closed to all but root."""
    world.posix.folders.make(world.path("d"), 0o700)
    world.put("d/a", b"x")
    world.posix.folders.mode(world.path("d"), 0)
    if world.is_root:
        assert world.got("d/a") == b"x"
    else:
        assert number_of(lambda: world.got("d/a")) == errno.EACCES
        assert number_of(lambda: world.posix.folders.names(world.path("d"))) == errno.EACCES
        assert number_of(lambda: world.posix.folders.make(world.path("d/e"), 0o700)) == errno.EACCES
    world.posix.folders.mode(world.path("d"), 0o700)
