"""A tree of files, walked by descriptor: no link is followed, all is bounded, what does not belong there is named.

Two walk it: the command line with the rights of its user, and the daemon, perhaps with root's, for a manager that may
not enter the folder. So what is taken and what is refused is written once. A name leads nowhere but down: every folder
is opened below the one before, without following a link (openat(2), O_NOFOLLOW), and looked at before it is opened, so
that a FIFO or a device is not. In `folder` of the layout names that begin with a dot are passed over, and regular files
without its suffix; a link, FIFO, socket or device there is refused, since nobody can tell what it was meant for.

The order is that of names, folder by folder, so that a walk can be done in parts: `after` is where the last one ended.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix, Stat
from snowfox.errors import ConfigurationRefused, PosixError, errno_text

MOST_FILES: Final = 10_000
"""Files of a tree; more are refused."""
MOST_ENTRIES: Final = 20_000
"""Names that one walk looks at, those that it passes over included; more are refused."""
DEEPEST: Final = 32
"""Folders below one another; more are refused."""
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""How a folder and a file are opened: a FIFO in place of a file does not make us wait."""

_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR)
_KINDS: Final = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Layout(NamedTuple):
    """Which files of a folder make the tree: `main`, and in `folder` all whose names end in `suffix`."""

    main: str
    folder: str
    suffix: str

    def takes(self, name: str) -> bool:
        """Whether a regular file of this name, relative to the tree, belongs to it."""
        parts = name.split("/")
        if parts[0] != self.folder:
            return name == self.main
        return name.endswith(self.suffix) and not any(part.startswith(".") for part in parts)


class Entry(NamedTuple):
    """A regular file of the tree.

    Args:
        name: relative to the tree.
        stat: what it was when the walk came by.
        folder: descriptor of the folder that it is in; open until the walk goes on.
        last: its name there.
    """

    name: str
    stat: Stat
    folder: int
    last: str


class Stamp(NamedTuple):
    """What changes when a file does."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def stamp(found: Stat) -> Stamp:
    """The stamp of a file."""
    return Stamp(found.device, found.inode, found.size, found.modified, found.changed)


def kind(mode: int) -> str:
    """`a FIFO`, of a mode with its type bits."""
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def below(folder: str, name: str) -> str:
    """A name as a person would write it from where they named the folder."""
    return f"{folder.rstrip('/')}/{name}" if folder not in ("", ".") else name


def refusal(what: str, why: str, hint: str = "") -> ConfigurationRefused:
    """`cannot read WHAT: WHY`. What cannot be printed of the name is written as Python would."""
    shown = what if what.isprintable() else ascii(what)[1:-1]
    return ConfigurationRefused(f"cannot read {shown}: {why}", hint, [])


def is_environment_file(name: str) -> bool:
    """Whether a configuration may ask for it besides: `.env`, `.env.NAME` or `NAME.env`, inside of its folder.

    The daemon opens no other for the manager, which must not see, for example, a secret beside them.
    """
    *folders, last = name.split("/")
    if "\0" in name or len(folders) > DEEPEST or any(part in {"", ".", ".."} for part in (*folders, last)):
        return False
    return last.endswith(".env") or last.startswith(".env.")


def walk(posix: Posix, folder: int, layout: Layout, *, after: str = "", shown: str = "") -> Generator[Entry]:
    """The files of a tree in the order of their names. To be closed, by `contextlib.closing`, when not exhausted.

    Args:
        posix: the way to the kernel.
        folder: open.
        layout: which files.
        after: the name that a walk before ended with; "" begins.
        shown: the folder, for messages.

    Raises ConfigurationRefused that names what does not belong there or is too much.
    """
    return _Walk(posix, layout, shown).all(folder, after.split("/") if after else [])


def open_file(posix: Posix, name: str, *, folder: int, title: str) -> int:
    """Open a regular file of an open folder for reading; it is not waited for, and no link is followed.

    Raises ConfigurationRefused; PosixError ENOENT when there is none.
    """
    try:
        _regular(posix.files.stat(name, folder=folder).mode, title)
        opened = posix.files.open(name, FILE, folder=folder)
    except PosixError as error:
        if error.errno in _ABSENT:
            raise PosixError("open", title, errno.ENOENT) from error
        raise refusal(title, errno_text(error.errno)) from error
    try:
        # Another may have taken its place in between.
        _regular(posix.files.stat(opened).mode, title)
    except BaseException:
        posix.files.close(opened)
        raise
    return opened


def open_below(posix: Posix, name: str, *, folder: int, title: str) -> int:
    """As `open_file`, of a name with folders in it, each of which is opened without following a link."""
    *folders, last = name.split("/")
    opened: list[int] = []
    try:
        for part in folders:
            try:
                folder = posix.files.open(part, FOLDER, folder=folder)
            except PosixError as error:
                if error.errno == errno.ENOENT:
                    raise PosixError("open", title, errno.ENOENT) from error
                raise refusal(title, f"{part}: {errno_text(error.errno)}") from error
            opened.append(folder)
        return open_file(posix, last, folder=folder, title=title)
    finally:
        for descriptor in opened:
            posix.files.close(descriptor)


def _regular(mode: int, title: str) -> None:
    if not stat.S_ISREG(mode):
        raise refusal(title, f"it is {kind(mode)}")


class _Walk:
    """One walk."""

    def __init__(self, posix: Posix, layout: Layout, shown: str) -> None:
        self._posix = posix
        self._layout = layout
        self._shown = shown
        self._seen = 0

    def all(self, folder: int, after: list[str]) -> Generator[Entry]:
        for name in sorted((self._layout.main, self._layout.folder)):
            is_next = after[:1] == [name]
            if after and (name < after[0] or (is_next and name == self._layout.main)):
                continue
            found = self._stat(name, name, folder)
            if found is None:
                continue
            wants_folder = name == self._layout.folder
            if stat.S_ISDIR(found.mode) != wants_folder or not _is_plain(found.mode):
                raise refusal(below(self._shown, name), f"it is {kind(found.mode)}")
            if wants_folder:
                yield from self._inside(folder, name, name, after[1:] if is_next else [], 1)
            else:
                yield Entry(name, found, folder, name)

    def _inside(self, parent: int, last: str, path: str, after: list[str], depth: int) -> Generator[Entry]:
        """What is in a folder and below, beyond `after`."""
        title = below(self._shown, path)
        if depth > DEEPEST:
            raise refusal(title, f"it lies more than {DEEPEST} folders deep")
        try:
            folder = self._posix.files.open(last, FOLDER, folder=parent)
        except PosixError as error:
            raise refusal(title, errno_text(error.errno)) from error
        try:
            for name in self._names(folder, title):
                if not after or name > after[0]:
                    yield from self._one(folder, name, f"{path}/{name}", [], depth)
                elif name == after[0] and len(after) > 1:
                    yield from self._one(folder, name, f"{path}/{name}", after[1:], depth)
        finally:
            self._posix.files.close(folder)

    def _one(self, folder: int, name: str, path: str, after: list[str], depth: int) -> Generator[Entry]:
        """A name that is not passed over."""
        found = self._stat(name, path, folder)
        if found is None:  # gone meanwhile: a second look would not find it either
            return
        is_folder, is_ours = stat.S_ISDIR(found.mode), name.endswith(self._layout.suffix)
        title = below(self._shown, path)
        if not _is_plain(found.mode) or (is_folder and is_ours):
            raise refusal(title, f"it is {kind(found.mode)}")
        if (is_folder or is_ours) and not name.isprintable():
            raise refusal(title, "its name cannot be printed")
        if is_folder:
            yield from self._inside(folder, name, path, after, depth + 1)
        elif is_ours:
            yield Entry(path, found, folder, name)

    def _names(self, folder: int, title: str) -> list[str]:
        try:
            names = self._posix.folders.names(folder, most=MOST_ENTRIES + 1 - self._seen)
        except PosixError as error:
            raise refusal(title, errno_text(error.errno)) from error
        self._seen += len(names)
        if self._seen > MOST_ENTRIES:
            raise refusal(
                title, f"there are more than {MOST_ENTRIES:,} files and folders in it and before it"
            )
        return sorted(name for name in names if not name.startswith("."))

    def _stat(self, name: str, path: str, folder: int) -> Stat | None:
        try:
            return self._posix.files.stat(name, folder=folder)
        except PosixError as error:
            if error.errno in _ABSENT:
                return None
            raise refusal(below(self._shown, path), errno_text(error.errno)) from error


def _is_plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
