"""The files of a configuration, read once, whole, by the same checks for whoever reads.

The command line reads by path, the manager from descriptors that the daemon opened for it. A link, FIFO, folder,
device, large or binary file is refused by name, before a byte of it can block or mislead.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Final, NamedTuple

from snowfox.core.config.digest import digest
from snowfox.core.config.problem import printable
from snowfox.core.frozen import Frozen
from snowfox.core.posix.api import Posix
from snowfox.errors import ConfigurationRefused, PosixError, errno_text
from snowfox.values import size_text

LARGEST: Final = 1 << 20
"""Bytes of a file; more is refused."""

_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR)

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class File(Frozen):
    """A file that was read.

    Args:
        name: below the folder of the configuration.
        text: all of it.
        owner: its owner's uid.
        shown: what a person calls it; "" is `name`.
    """

    name: str
    text: str
    owner: int
    shown: str = ""

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.shown or self.name


class Sources(Frozen):
    """All that a configuration is made of. `folder` is absolute; the first of `files` is its main one."""

    folder: str
    files: tuple[File, ...]

    @property
    def main(self) -> File:
        """The file that the others only add to."""
        return self.files[0]

    def file(self, name: str) -> File | None:
        """The file with this name."""
        return next((file for file in self.files if file.name == name), None)

    def version(self) -> str:
        """64 hex digits: the same for the same names and texts."""
        return digest(part.encode() for file in self.files for part in (file.name, file.text))


class Names(NamedTuple):
    """What to look for in a folder.

    Args:
        main: names of the main file, the first that is there is taken.
        beside: for a main file, names of those read with it when they are there.
    """

    main: tuple[str, ...]
    beside: dict[str, tuple[str, ...]]


def read(path: str, *, names: Names, posix: Posix, shown: str | None = None) -> Sources:
    """A configuration by path: a folder that holds one of the main files, or a file.

    Args:
        path: absolute.
        names: what a folder may hold.
        posix: the way to the kernel.
        shown: the path as the person wrote it, for messages; "" names files without a folder.

    Raises ConfigurationRefused with one line when something is not there or not readable.
    """
    called = path if shown is None else shown
    try:
        entry = posix.files.stat(path, follow=True)
    except PosixError as error:
        raise _refused(called or path, errno_text(error.errno)) from error
    if stat.S_ISDIR(entry.mode):
        return _in_folder(path, called, names, posix)
    folder, _, name = path.rpartition("/")
    folder = folder or "/"
    title = called.removesuffix(name).removesuffix("/")
    opened = _open_folder(folder, posix)
    try:
        main = _named(opened, name, _below(title, name), posix)
        if main is None:
            raise _refused(called, "it is gone")
        return Sources(folder, (main, *_beside(opened, name, title, names, posix)))
    finally:
        posix.files.close(opened)


def take(descriptor: int, name: str, *, posix: Posix, shown: str = "") -> File:
    """An open file, checked and read from where it stands; it stays open, and is the caller's to close.

    Raises ConfigurationRefused when it is no regular file, too large, or no text.
    """
    title = shown or name
    try:
        entry = posix.files.stat(descriptor)
        if not stat.S_ISREG(entry.mode):
            raise _refused(title, f"it is {_KINDS.get(stat.S_IFMT(entry.mode), 'no regular file')}")
        if entry.size > LARGEST:
            raise _too_large(title, entry.size)
        data = _all(descriptor, title, posix)
    except PosixError as error:
        raise _refused(title, errno_text(error.errno)) from error
    return File(name, _text(data, title), entry.uid, shown)


def _in_folder(path: str, called: str, names: Names, posix: Posix) -> Sources:
    opened = _open_folder(path, posix, called)
    try:
        for name in names.main:
            main = _named(opened, name, _below(called, name), posix)
            if main is not None:
                return Sources(path, (main, *_beside(opened, name, called, names, posix)))
    finally:
        posix.files.close(opened)
    raise ConfigurationRefused(
        f"cannot read {printable(called or path)}: there is no {' and no '.join(names.main)} in it",
        "snowfox init  writes a first one",
        [],
    )


def _open_folder(path: str, posix: Posix, called: str = "") -> int:
    try:
        return posix.files.open(path, os.O_PATH | os.O_DIRECTORY)
    except PosixError as error:
        raise _refused(called or path, errno_text(error.errno)) from error


def _beside(folder: int, main: str, called: str, names: Names, posix: Posix) -> list[File]:
    read = (_named(folder, name, _below(called, name), posix) for name in names.beside.get(main, ()))
    return [file for file in read if file is not None]


def _named(folder: int, name: str, title: str, posix: Posix) -> File | None:
    """A file of the folder; None when there is none with this name."""
    try:
        entry = posix.files.stat(name, folder=folder)
    except PosixError as error:
        if error.errno in _ABSENT:
            return None
        raise _refused(title, errno_text(error.errno)) from error
    if not stat.S_ISREG(entry.mode):
        raise _refused(title, f"it is {_KINDS.get(stat.S_IFMT(entry.mode), 'no regular file')}")
    try:
        opened = posix.files.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, folder=folder
        )
    except PosixError as error:
        raise _refused(title, errno_text(error.errno)) from error
    try:
        return take(opened, name, posix=posix, shown="" if title == name else title)
    finally:
        with suppress(PosixError):
            posix.files.close(opened)


def _below(folder: str, name: str) -> str:
    """The name as a person would write it from where the folder was named."""
    return f"{folder.rstrip('/')}/{name}" if folder not in ("", ".") else name


def _all(descriptor: int, title: str, posix: Posix) -> bytes:
    """The whole file, which may grow while it is read."""
    chunks: list[bytes] = []
    total = 0
    while chunk := posix.files.read(descriptor, LARGEST + 1 - total):
        chunks.append(chunk)
        total += len(chunk)
        if total > LARGEST:
            raise _too_large(title, total)
    return b"".join(chunks)


def _text(data: bytes, title: str) -> str:
    nul = data.find(b"\0")
    if nul >= 0:
        raise _refused(title, f"it is a binary file (a NUL byte in line {data.count(10, 0, nul) + 1})")
    try:
        return data.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        raise _refused(title, f"it is not UTF-8 (line {data.count(10, 0, error.start) + 1})") from error


def _too_large(title: str, size: int) -> ConfigurationRefused:
    return _refused(title, f"it has {size_text(size)}, more than {size_text(LARGEST)}")


def _refused(what: str, why: str) -> ConfigurationRefused:
    return ConfigurationRefused(f"cannot read {printable(what)}: {why}", "", [])
