"""The log files of one instance: append, rotate by size, read back the last lines.

`NAME/current` grows until `size` bytes, then becomes `current.1`, that `current.2`, and so on up to `keep`. Each has
its index of times beside it (`current.index`). All paths are relative to the folder of the logs, which is an open
descriptor. Used by the writer's thread only; it may wait for the disk.
"""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EEXIST, ENOENT
from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output.index import EVERY_BYTES, EVERY_MS, TimeIndex, pair, parse
from snowfox.service.spec import Log

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_BLOCK: Final = 64 << 10
MOST_BACK: Final = 16 << 20
"""Bytes that are looked through, from the end, for the last lines."""


class Tail:
    """The last lines of an instance: pairs of (time in ms, line without newline), and what follows the last newline."""

    __slots__ = ("lines", "rest", "rest_at")

    def __init__(self, lines: list[tuple[int, bytes]], rest: bytes, rest_at: int) -> None:
        self.lines = lines
        self.rest = rest
        self.rest_at = rest_at


class InstanceLog:
    """The files of one instance.

    Opened by the first append, closed by `close` (and opened again by the next append).

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs.
        name: the instance's id, a folder below it.
        limits: size and number of files.
    """

    __slots__ = (
        "_file",
        "_folder",
        "_index",
        "_marked_at",
        "_marked_offset",
        "_name",
        "_posix",
        "_size",
        "limits",
    )

    def __init__(self, posix: Posix, folder: int, name: str, limits: Log) -> None:
        self._posix = posix
        self._folder = folder
        self._name = name
        self.limits = limits
        self._file = -1
        self._index = -1
        self._size = 0
        self._marked_at = 0
        self._marked_offset = -1

    @property
    def is_open(self) -> bool:
        """Whether descriptors are held."""
        return self._file >= 0

    def append(self, data: bytes, at: int) -> None:
        """Write a chunk that was read at wall clock `at` (ms), rotating where the size is reached.

        Raises PosixError (a full disk); what was not written is lost, the file stays usable.
        """
        view = memoryview(data)
        while view:
            if not self.is_open:
                self._open()
            if self._size >= self.limits.size:
                self._rotate()
                self._open()
            room = self.limits.size - self._size
            part = view if len(view) <= room else view[: _cut(data, len(data) - len(view), room)]
            self._write(part, at)
            view = view[len(part) :]
            if view:
                self._rotate()

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in (self._file, self._index):
            if descriptor >= 0:
                self._posix.files.close(descriptor)
        self._file = self._index = -1

    def tail(self, lines: int) -> Tail:
        """The last `lines` lines, oldest first, over all files. Nothing written yet is an empty tail.

        Looks through at most 16 MiB: with longer lines there are fewer. Raises PosixError.
        """
        pieces: list[tuple[bytes, int, TimeIndex]] = []
        newlines = 0
        left = MOST_BACK
        for number in range(self.limits.keep + 1):
            name = self._path(number)
            try:
                data, start = self._read_back(name, lines - newlines, left)
            except PosixError as error:
                if error.errno != ENOENT:
                    raise
                if number:
                    break
                continue  # a rotation that was cut short
            pieces.append((data, start, self._read_index(name)))
            newlines += data.count(b"\n")
            left -= len(data)
            if newlines > lines or left <= 0 or start > 0:
                break
        return _last(pieces, lines)

    def _path(self, number: int) -> str:
        return f"{self._name}/current.{number}" if number else f"{self._name}/current"

    def _open(self) -> None:
        files = self._posix.files
        try:
            self._file = files.open(self._path(0), _APPEND, mode=0o640, folder=self._folder)
        except PosixError as error:
            if error.errno != ENOENT:
                raise
            try:
                self._posix.folders.make(self._name, 0o750, folder=self._folder)
            except PosixError as made:
                if made.errno != EEXIST:
                    raise
            self._file = files.open(self._path(0), _APPEND, mode=0o640, folder=self._folder)
        self._size = files.stat(self._file).size
        self._marked_offset = -1
        with suppress(PosixError):  # without an index the lines have no times
            self._index = files.open(f"{self._path(0)}.index", _APPEND, mode=0o640, folder=self._folder)

    def _write(self, data: memoryview, at: int) -> None:
        self._mark(at)
        while data:
            written = self._posix.files.write(self._file, bytes(data)) or 0
            self._size += written
            data = data[written:]

    def _mark(self, at: int) -> None:
        is_due = (
            self._marked_offset < 0
            or at - self._marked_at >= EVERY_MS
            or at < self._marked_at
            or self._size - self._marked_offset >= EVERY_BYTES
        )
        if self._index >= 0 and is_due:
            self._marked_at = at
            self._marked_offset = self._size
            self._posix.files.write(self._index, pair(self._size, at))

    def _rotate(self) -> None:
        self.close()
        rename = self._posix.folders.rename
        for number in range(self.limits.keep, 0, -1):
            for suffix in ("", ".index"):
                old = f"{self._path(number - 1)}{suffix}"
                try:
                    rename(old, f"{self._path(number)}{suffix}", folder=self._folder)
                except PosixError as error:
                    if error.errno != ENOENT:
                        raise
        if self.limits.keep == 0:
            for suffix in ("", ".index"):
                with suppress(PosixError):  # gone already is what we want
                    self._posix.folders.remove(f"{self._path(0)}{suffix}", folder=self._folder)

    def _read_back(self, name: str, lines: int, most: int) -> tuple[bytes, int]:
        """Of the end of a file at least `lines` + 1 newlines where it has them; and the offset where it begins."""
        files = self._posix.files
        descriptor = files.open(name, os.O_RDONLY, folder=self._folder)
        try:
            size = files.stat(descriptor).size
            want = min(size, _BLOCK)
            while True:
                data = self._read_from(descriptor, size - want, want)
                if data.count(b"\n") > lines or want in (size, most) or want >= most:
                    return data, size - want
                want = min(size, most, want * 4)
        finally:
            files.close(descriptor)

    def _read_from(self, descriptor: int, offset: int, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self._posix.files.read_at(descriptor, count - len(data), offset=offset + len(data))
            if not piece:
                break
            data += piece
        return bytes(data)

    def _read_index(self, name: str) -> TimeIndex:
        files = self._posix.files
        try:
            descriptor = files.open(f"{name}.index", os.O_RDONLY, folder=self._folder)
        except PosixError:
            return TimeIndex([], [])
        try:
            return parse(self._read_from(descriptor, 0, files.stat(descriptor).size))
        finally:
            files.close(descriptor)


def _cut(data: bytes, begin: int, room: int) -> int:
    """How many bytes from `begin` go into a file with `room`: up to a line's end, within one more block."""
    end = data.rfind(b"\n", begin, begin + max(room, 0)) + 1
    if end == 0:
        end = data.find(b"\n", begin + max(room, 0), begin + max(room, 0) + _BLOCK) + 1
    return end - begin if end else max(room, min(_BLOCK, len(data) - begin))


def _last(pieces: list[tuple[bytes, int, TimeIndex]], lines: int) -> Tail:
    """The last lines of the files' ends, which are given newest first."""
    found: list[tuple[int, bytes]] = []
    carried = b""
    carried_at = 0
    is_cut = bool(pieces) and pieces[-1][1] > 0
    for data, start, index in reversed(pieces):
        place = 0
        for line in _split(data):
            at = carried_at if carried else index.at(start + place)
            place += len(line)
            whole = carried + line
            if line.endswith(b"\n"):
                found.append((at, whole[:-1]))
                carried = b""
            else:
                carried, carried_at = whole, at
    if is_cut and found:
        del found[0]  # it may have begun before what was read
    return Tail(found[max(0, len(found) - lines) :], carried, carried_at)


def _split(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    last = [parts.pop()]
    return [part + b"\n" for part in parts] + [part for part in last if part]
