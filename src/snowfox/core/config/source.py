"""The files of a configuration, read once, whole, by the same checks for whoever reads.

The command line reads by path, the manager from descriptors that the daemon opened for it, both from git what it says
about its objects. A link, FIFO, folder, device, large or binary file is refused by name, before a byte of it can block
or mislead; so is what changes while it is read, and a tree that is too large.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Final

from snowfox.core.config.digest import digest
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix, Stat
from snowfox.core.tree import MOST_FILES, Layout, Stamp, kind, refusal, stamp
from snowfox.errors import ConfigurationRefused, PosixError, errno_text
from snowfox.values import size_text

LARGEST: Final = 1 << 20
"""Bytes of a file; more is refused."""
MOST_BYTES: Final = 64 << 20
"""Bytes of all files; more is refused."""

_AGAIN: Final = "try again when nobody writes to it"


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
    """All that a configuration is made of.

    Args:
        folder: absolute; what paths in it are relative to.
        files: the first is the main one, which the others only add to.
        name: the branch, tag or commit that a person named; "" for files.
        commit: the id of the commit that it was read from, of a git repository; "" for files.
        host: the host's name when it came into force; "" for what did not yet.
        unread: of files that the others ask for, those that were refused, and why: a problem of who asks.
    """

    folder: str
    files: tuple[File, ...]
    name: str = ""
    commit: str = ""
    host: str = ""
    unread: dict[str, str] = {}  # noqa: RUF012 - a frozen value's default

    @property
    def main(self) -> File:
        """The file that the others only add to."""
        return self.files[0]

    @property
    def called(self) -> str:
        """What a person calls this source: `main`, `snowfox.toml`."""
        return self.name or self.main.name

    def file(self, name: str) -> File | None:
        """The file with this name."""
        return next((file for file in self.files if file.name == name), None)

    def version(self, node: str = "") -> str:
        """64 hex digits: the same for the same names, texts and owners, wherever they came from, in whatever order.

        Args:
            node: its name, where the files do not say it.
        """
        files = sorted(self.files, key=lambda file: file.name)
        parts = [part for file in files for part in (file.name, file.text, str(file.owner))]
        return digest(part.encode() for part in (*parts, *([node] if node else [])))


class Names(NamedTuple):
    """What to look for in a folder.

    Args:
        main: names of the main file, the first that is there is taken.
        beside: for a main file, names of those read with it when they are there.
        tree: the form of many files; its main file counts before all but the first of `main`, with which it cannot be.
    """

    main: tuple[str, ...]
    beside: dict[str, tuple[str, ...]]
    tree: Layout | None = None


class Gathering:
    """Files as they are read one by one: checked, bounded in number and size, and looked at again at the end.

    Args:
        before: what stands before a name when a person is told of it: `shop/`, `main:`.
    """

    def __init__(self, before: str = "") -> None:
        self.files: list[File] = []
        self.unread: dict[str, str] = {}
        self._before = before
        self._stamps: dict[str, Stamp] = {}
        self._bytes = 0

    def read(self, descriptor: int, name: str, *, posix: Posix) -> None:
        """Read an open file from where it stands; it stays the caller's. Raises ConfigurationRefused."""
        title = self._before + name
        data, found = _read(descriptor, title, posix)
        self.add(name, data, owner=found.uid)
        self._stamps[name] = stamp(found)

    def add(self, name: str, data: bytes, *, owner: int) -> None:
        """Add what was read of a file. Raises ConfigurationRefused when it is no text, or one too much."""
        title = self._before + name
        self._bytes += len(data)
        refuse_too_much(self._before[:-1], len(self.files) + 1, self._bytes)
        self.files.append(File(name, _text(data, title), owner, "" if title == name else title))

    @contextmanager
    def perhaps(self, name: str) -> Generator[None]:
        """For the reading of a file that others ask for: one that is refused is passed over, and kept in `unread`."""
        try:
            yield
        except ConfigurationRefused as error:
            self.unread[name] = str(error).removeprefix(f"cannot read {self._before}{name}: ")

    def look_again(self, seen: Iterable[tuple[str, Stamp]]) -> None:
        """Compare with what is there now. Raises ConfigurationRefused that names a file that is another one now."""
        now = dict(seen)
        for name, before in self._stamps.items():
            if now.pop(name, None) != before:
                raise changed(self._before + name)
        for name in now:
            raise changed(self._before + name)


def refuse_too_much(shown: str, files: int, size: int) -> None:
    """Raises ConfigurationRefused for more files, or bytes in all, than a configuration may have."""
    what = shown or "the configuration"
    if files > MOST_FILES:
        raise refusal(what, f"it has more than {MOST_FILES:,} files")
    if size > MOST_BYTES:
        raise refusal(what, f"its files have more than {size_text(MOST_BYTES)} together")


def changed(title: str) -> ConfigurationRefused:
    """Of what is no longer as it was when it was read."""
    return refusal(title, "it changed while it was read", _AGAIN)


def too_large(title: str, size: int) -> ConfigurationRefused:
    """Of a file."""
    return refusal(title, f"it has {size_text(size)}, more than {size_text(LARGEST)}")


def take(descriptor: int, name: str, *, posix: Posix, shown: str = "") -> File:
    """An open file, checked and read from where it stands; it stays open, and is the caller's to close.

    Raises ConfigurationRefused when it is no regular file, too large, no text, or another one afterwards.
    """
    title = shown or name
    data, found = _read(descriptor, title, posix)
    return File(name, _text(data, title), found.uid, shown)


def _read(descriptor: int, title: str, posix: Posix) -> tuple[bytes, Stat]:
    try:
        found = posix.files.stat(descriptor)
        if not stat.S_ISREG(found.mode):
            raise refusal(title, f"it is {kind(found.mode)}")
        if found.size > LARGEST:
            raise too_large(title, found.size)
        data = _all(descriptor, title, posix)
        after = posix.files.stat(descriptor)
    except PosixError as error:
        raise refusal(title, errno_text(error.errno)) from error
    if len(data) != found.size or stamp(after) != stamp(found):
        raise changed(title)
    return data, found


def _all(descriptor: int, title: str, posix: Posix) -> bytes:
    """The whole file, which may grow while it is read."""
    chunks: list[bytes] = []
    total = 0
    while chunk := posix.files.read(descriptor, LARGEST + 1 - total):
        chunks.append(chunk)
        total += len(chunk)
        if total > LARGEST:
            raise too_large(title, total)
    return b"".join(chunks)


def _text(data: bytes, title: str) -> str:
    nul = data.find(b"\0")
    if nul >= 0:
        raise refusal(title, f"it is a binary file (a NUL byte in line {data.count(10, 0, nul) + 1})")
    try:
        return data.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        raise refusal(title, f"it is not UTF-8 (line {data.count(10, 0, error.start) + 1})") from error
