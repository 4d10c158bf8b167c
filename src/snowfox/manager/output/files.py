"""The files of one log: append, and put aside by size, by age, on demand.

`NAME/current` grows until `size` bytes or until its first line is `age` old, then gets a name of its own (`shelf`);
the oldest beyond `keep` go. Each has its index of times beside it. All paths are relative to the folder of the logs,
which is an open descriptor. Whoever calls holds `lock`, and may wait for the disk.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from errno import EEXIST, ENOENT
from threading import Lock
from typing import Final, Protocol

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output import shelf
from snowfox.manager.output.index import EVERY_BYTES, EVERY_MS, PAIR_SIZE, pair, parse
from snowfox.manager.output.shelf import CURRENT, INDEX
from snowfox.service.spec import Log

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_BLOCK: Final = 64 << 10


class Place(NamedTuple):
    """A place in a log: the number of a file and an offset in it. `inode` is that of the file that is written; 0: none is."""

    sequence: int
    offset: int
    inode: int = 0


class Takes(Protocol):
    """Somebody who reads along."""

    def put(self, name: str, data: bytes, at: int) -> None:
        """A chunk that was read at wall clock `at` (ms), from any thread; returns at once."""
        ...


class Hears(Protocol):
    """Who is told what happens to files; called with the lock held."""

    def opened(self, log: InstanceLog) -> None:
        """It holds descriptors now."""
        ...

    def put_aside(self, log: InstanceLog, name: str) -> None:
        """A file was put aside under this name."""
        ...


class InstanceLog:
    """The files of one log.

    Opened by the first append, closed by `close` (and opened again by the next append).

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs.
        name: of the log, a folder below it: the instance's id, `web@1/errors` for a second stream.
        limits: size, age and number of files.
        hears: is told of files.
    """

    __slots__ = (
        "_aside",
        "_born",
        "_file",
        "_folder",
        "_hears",
        "_index",
        "_marked_at",
        "_marked_offset",
        "_posix",
        "_sequence",
        "_size",
        "followers",
        "limits",
        "lock",
        "name",
        "used",
    )

    def __init__(
        self, posix: Posix, folder: int, name: str, limits: Log, *, hears: Hears | None = None
    ) -> None:
        self._posix = posix
        self._folder = folder
        self._hears = hears
        self.name = name
        self.limits = limits
        self.lock = Lock()
        self.followers: tuple[Takes, ...] = ()
        self.used = 0
        self._file = -1
        self._index = -1
        self._size = 0
        self._born = 0
        self._marked_at = 0
        self._marked_offset = -1
        self._sequence = 0
        self._aside: deque[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether descriptors are held."""
        return self._file >= 0

    def append(self, data: bytes, at: int) -> None:
        """Write a chunk that was read at wall clock `at` (ms), putting the file aside where its time has come.

        Raises PosixError (a full disk); what was not written is lost, the file stays usable.
        """
        self.used = at
        if self._file < 0:
            self._open(at)
        if self._size + len(data) < self.limits.size and not self.limits.age:  # nearly always
            self._write(data, at)
            return
        view = memoryview(data)
        while view:
            if self._file < 0:
                self._open(at)
            if self._is_due(at):
                self._put_aside(at)
                continue
            room = self.limits.size - self._size
            part = view if len(view) <= room else view[: _cut(data, len(data) - len(view), room)]
            self._write(part, at)
            view = view[len(part) :]
            if view:
                self._put_aside(at)

    def rotate(self, at: int) -> bool:
        """Put the file aside now; False when there is nothing in it. Raises PosixError."""
        if self._file < 0:
            if not self.place().offset:
                return False
            self._open(at)
        if not self._size:
            return False
        self._put_aside(at)
        return True

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                self._posix.files.close(descriptor)
        self._file = self._index = -1

    def place(self) -> Place:
        """The end of what is written. Raises PosixError."""
        self._look()
        path = f"{self.name}/{CURRENT}"
        try:
            found = self._posix.files.stat(self._file if self._file >= 0 else path, folder=self._below())
        except PosixError as error:
            if error.errno != ENOENT:
                raise
            return Place(self._sequence, 0)
        return Place(self._sequence, found.size, found.inode)

    def _below(self) -> int | None:
        return None if self._file >= 0 else self._folder

    def _look(self) -> deque[str]:
        """What was put aside, by whoever wrote before us too; the number of the current one follows theirs."""
        if self._aside is None:
            found = shelf.parts(self._posix, self._folder, self.name)
            self._aside = deque(part.name for part in found)
            self._sequence = found[-1].sequence + 1 if found else 1
        return self._aside

    def _is_due(self, at: int) -> bool:
        if not self._size:
            return False
        age = self.limits.age
        return self._size >= self.limits.size or (age > 0 and at - self._born >= age * 1000)

    def _open(self, at: int) -> None:
        self._look()
        files = self._posix.files
        path = f"{self.name}/{CURRENT}"
        try:
            self._file = files.open(path, _APPEND, mode=0o640, folder=self._folder)
        except PosixError as error:
            if error.errno != ENOENT:
                raise
            self._make_folders()
            self._file = files.open(path, _APPEND, mode=0o640, folder=self._folder)
        self._size = files.stat(self._file).size
        self._born = self._birth(at) if self._size else at
        self._marked_offset = -1
        with suppress(PosixError):  # without an index the lines have no times
            self._index = files.open(path + INDEX, _APPEND, mode=0o640, folder=self._folder)
        if self._hears is not None:
            self._hears.opened(self)

    def _make_folders(self) -> None:
        path = ""
        for part in self.name.split("/"):
            path = f"{path}/{part}" if path else part
            try:
                self._posix.folders.make(path, 0o750, folder=self._folder)
            except PosixError as made:
                if made.errno != EEXIST:
                    raise

    def _birth(self, at: int) -> int:
        """When the first line of the file came: its index knows."""
        files = self._posix.files
        try:
            index = files.open(f"{self.name}/{CURRENT}{INDEX}", os.O_RDONLY, folder=self._folder)
        except PosixError:
            return at
        try:
            times = parse(files.read_at(index, PAIR_SIZE, offset=0)).times
        finally:
            files.close(index)
        return times[0] if times else at

    def _write(self, data: bytes | memoryview, at: int) -> None:
        size = self._size
        if (
            size - self._marked_offset >= EVERY_BYTES
            or at - self._marked_at >= EVERY_MS
            or at < self._marked_at
            or self._marked_offset < 0
        ):
            self._mark(at)
        written = self._posix.files.write(self._file, data) or 0
        self._size = size + written
        while written < len(data):
            part = self._posix.files.write(self._file, memoryview(data)[written:]) or 0
            self._size += part
            written += part

    def _mark(self, at: int) -> None:
        if self._index < 0:
            return
        self._marked_at = at
        self._marked_offset = self._size
        with suppress(PosixError):  # the log itself is what counts
            self._posix.files.write(self._index, pair(self._size, at))

    def _put_aside(self, at: int) -> None:
        aside = self._look()
        self.close()
        posix, folder = self._posix, self._folder
        if not self.limits.keep:
            for suffix in ("", INDEX):
                with suppress(PosixError):  # gone already is what we want
                    posix.folders.remove(f"{self.name}/{CURRENT}{suffix}", folder=folder)
            self._sequence += 1
            return
        name = shelf.put_aside(self._sequence, at)
        for suffix in (INDEX, ""):
            try:
                posix.folders.rename(
                    f"{self.name}/{CURRENT}{suffix}", f"{self.name}/{name}{suffix}", folder=folder
                )
            except PosixError as error:
                if error.errno != ENOENT:
                    raise
        self._sequence += 1
        aside.append(name)
        while len(aside) > self.limits.keep:
            shelf.remove(posix, folder, self.name, aside.popleft())
        if self._hears is not None:
            self._hears.put_aside(self, name)


def _cut(data: bytes, begin: int, room: int) -> int:
    """How many bytes from `begin` go into a file with `room`: up to a line's end, within one more block."""
    end = data.rfind(b"\n", begin, begin + max(room, 0)) + 1
    if end == 0:
        end = data.find(b"\n", begin + max(room, 0), begin + max(room, 0) + _BLOCK) + 1
    return end - begin if end else max(room, min(_BLOCK, len(data) - begin))
