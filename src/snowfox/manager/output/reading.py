"""Reads logs back: from a time on, or the last lines, forwards in pieces of a bounded size.

`Reading` goes over the files of one log, compressed or not, from one place to another. It is used in a thread that may
wait for the disk, never in that of the writer: a file that is put aside meanwhile is found by its number, one that was
removed is skipped.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from errno import ENOENT
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output import shelf
from snowfox.manager.output.files import Place
from snowfox.manager.output.index import TimeIndex, parse
from snowfox.manager.output.shelf import CURRENT, INDEX, PACKED

LONGEST: Final = 64 << 10
"""Bytes of one piece: several lines of one time, or a part of a longer line."""
_BLOCK: Final = 64 << 10
_GZIP: Final = 31
_NO_INDEX: Final = TimeIndex([], [])


class Piece(NamedTuple):
    """Lines of one time.

    Args:
        at: wall clock ms; 0: unknown.
        text: whole lines without the last newline, or a part of one.
        is_part: the line goes on in the next piece.
    """

    at: int
    text: bytes
    is_part: bool


class _File(NamedTuple):
    """An open file of a log."""

    descriptor: int
    is_packed: bool
    name: str
    size: int


class Reading:
    """What a log holds up to a place.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs.
        log: the log's name.
        end: where to stop.
        until: wall clock ms after which nothing is wanted; 0: up to the end.

    `rest` is what follows the last newline once `pieces` was read to its end.
    """

    def __init__(self, posix: Posix, folder: int, log: str, *, end: Place, until: int = 0) -> None:
        self._posix = posix
        self._folder = folder
        self._log = log
        self._end = end
        self._until = until
        self._parts = {
            part.sequence: part
            for part in shelf.parts(posix, folder, log)
            if part.sequence < end.sequence or (end.inode and part.sequence == end.sequence)
        }
        self.rest = b""
        self.rest_at = 0

    def since(self, at: int) -> Place:
        """Where what was read at wall clock `at` (ms) or later begins."""
        for sequence in self._sequences():
            index = self._index(sequence)
            if not index.times:
                return Place(sequence, 0)
            offset = index.since(at)
            if offset is not None:
                return Place(sequence, offset)
        return self._end

    def last(self, lines: int, *, with_rest: bool) -> Place:
        """Where the last `lines` lines begin; `with_rest` counts an unfinished line as one. Raises PosixError."""
        wanted = -1
        for sequence in reversed(self._sequences()):
            file = self._open(sequence)
            if file is None:
                continue
            try:
                if wanted < 0:
                    wanted = lines + (0 if with_rest and self._is_unfinished(file) else 1)
                    if lines == 0 and wanted == 0:
                        return self._end
                offset = self._from_packed(file, wanted) if file.is_packed else self._back(file, wanted)
            finally:
                self._posix.files.close(file.descriptor)
            if offset >= 0:
                return Place(sequence, offset)
            wanted += offset + 1  # so many newlines fewer
        return self.first()

    def first(self) -> Place:
        """Where the log begins."""
        sequences = self._sequences()
        return Place(sequences[0], 0) if sequences else self._end

    def pieces(self, begin: Place) -> Iterator[Piece]:
        """What there is from a place on, in order. Raises PosixError."""
        for sequence in self._sequences():
            if sequence < begin.sequence:
                continue
            index = self._index(sequence)
            if self._until and index.times and index.times[0] > self._until:
                continue
            offset = begin.offset if sequence == begin.sequence else 0
            yield from self._of_file(sequence, index, offset)

    # One file

    def _of_file(self, sequence: int, index: TimeIndex, begin: int) -> Iterator[Piece]:
        base = begin - len(self.rest)  # the offset of what is carried over
        for block in self._blocks(sequence, begin):
            data = self.rest + block
            whole = data.rfind(b"\n") + 1
            for piece in self._lines(data[:whole], base, index, begin):
                if self._until and piece.at > self._until:
                    self.rest = b""
                    return
                yield piece
            if whole or not self.rest:
                self.rest_at = index.at(max(base + whole, begin))
            base += whole
            self.rest = data[whole:]
            while len(self.rest) > LONGEST:
                yield Piece(self.rest_at, self.rest[:LONGEST], is_part=True)
                self.rest = self.rest[LONGEST:]
                base += LONGEST

    def _lines(self, data: bytes, base: int, index: TimeIndex, begin: int) -> Iterator[Piece]:
        """Whole lines, which begin at offset `base`, those of one time together."""
        place = 0
        while place < len(data):
            is_carried = base + place < begin
            at, after = index.span(max(base + place, begin))
            if is_carried or (place == 0 and self.rest):
                at = self.rest_at
                after = base + place + 1  # that line alone
            end = len(data)
            if after is not None and after - base < end:
                end = data.find(b"\n", max(after - base - 1, place)) + 1
            yield from cut(at, data[place : end - 1])
            place = end

    def _blocks(self, sequence: int, begin: int) -> Iterator[bytes]:
        """A file from an offset on. It is open only while a block is read: many logs may be read at once."""
        while (file := self._open(sequence)) is not None:
            try:
                if file.is_packed:
                    yield from self._unpacked(file, begin)
                    return
                size = min(_BLOCK, file.size - begin)
                block = self._posix.files.read_at(file.descriptor, size, offset=begin) if size > 0 else b""
            finally:
                self._posix.files.close(file.descriptor)
            if not block:
                return
            yield block
            begin += len(block)

    def _unpacked(self, file: _File, begin: int) -> Iterator[bytes]:
        """What a compressed file holds from an offset on; it ends where the file is damaged."""
        unpack = zlib.decompressobj(_GZIP)
        offset = 0
        while not unpack.eof:
            packed = unpack.unconsumed_tail
            if not packed:
                packed = self._posix.files.read_at(file.descriptor, _BLOCK, offset=offset)
                offset += len(packed)
            if not packed:
                return
            try:
                block = unpack.decompress(packed, _BLOCK)
            except zlib.error:
                return
            if len(block) > begin:
                yield block[begin:]
            begin = max(0, begin - len(block))

    def _is_unfinished(self, file: _File) -> bool:
        if file.is_packed or not file.size:
            return False
        return self._posix.files.read_at(file.descriptor, 1, offset=file.size - 1) != b"\n"

    def _back(self, file: _File, wanted: int) -> int:
        """The offset behind the `wanted`-th newline from the end; else minus the number of newlines, minus one."""
        found, end = 0, file.size
        while end > 0:
            begin = max(0, end - _BLOCK)
            block = self._posix.files.read_at(file.descriptor, end - begin, offset=begin)
            count = block.count(b"\n")
            if found + count >= wanted:
                return begin + _behind(block, found + count - wanted)
            found += count
            end = begin
        return -found - 1

    def _from_packed(self, file: _File, wanted: int) -> int:
        total = sum(block.count(b"\n") for block in self._unpacked(file, 0))
        if total < wanted:
            return -total - 1
        skip, offset = total - wanted, 0
        for block in self._unpacked(file, 0):
            count = block.count(b"\n")
            if count > skip:
                return offset + _behind(block, skip)
            skip -= count
            offset += len(block)
        return offset

    # Files

    def _sequences(self) -> list[int]:
        found = sorted(self._parts)
        if self._end.inode and self._end.sequence not in self._parts:
            found.append(self._end.sequence)
        return found

    def _open(self, sequence: int) -> _File | None:
        """A file of the log; None when it is gone."""
        part = self._parts.get(sequence)
        names = [part.name] if part else [CURRENT]
        for name in names:
            for suffix in ("", PACKED):
                file = self._opened(name, suffix)
                if file is not None:
                    return self._limited(sequence, file)
        return None

    def _opened(self, name: str, suffix: str) -> _File | None:
        files = self._posix.files
        try:
            descriptor = files.open(f"{self._log}/{name}{suffix}", os.O_RDONLY, folder=self._folder)
        except PosixError as error:
            if error.errno == ENOENT:
                return None
            raise
        found = files.stat(descriptor)
        if name == CURRENT and found.inode != self._end.inode:  # it was put aside since
            files.close(descriptor)
            again = {part.sequence: part for part in shelf.parts(self._posix, self._folder, self._log)}
            part = again.get(self._end.sequence)
            if part is None:
                return None
            self._parts[self._end.sequence] = part
            return self._opened(part.name, PACKED if part.is_packed else "")
        return _File(descriptor, bool(suffix), name, found.size)

    def _limited(self, sequence: int, file: _File) -> _File:
        return file._replace(size=min(file.size, self._end.offset)) if self._is_last(sequence, file) else file

    def _is_last(self, sequence: int, file: _File) -> bool:
        return sequence == self._end.sequence and not file.is_packed

    def _index(self, sequence: int) -> TimeIndex:
        part = self._parts.get(sequence)
        name = part.name if part else CURRENT
        files = self._posix.files
        try:
            descriptor = files.open(f"{self._log}/{name}{INDEX}", os.O_RDONLY, folder=self._folder)
        except PosixError:
            return _NO_INDEX
        try:
            data = bytearray()
            while piece := files.read_at(descriptor, 1 << 20, offset=len(data)):
                data += piece
            return parse(bytes(data))
        finally:
            files.close(descriptor)


def cut(at: int, text: bytes) -> Iterator[Piece]:
    """Whole lines in pieces of at most `LONGEST`, cut between lines where there is a line's end."""
    while len(text) > LONGEST:
        end = text.rfind(b"\n", 0, LONGEST + 1)
        if end >= 0:
            yield Piece(at, text[:end], is_part=False)
            text = text[end + 1 :]
        else:
            yield Piece(at, text[:LONGEST], is_part=True)
            text = text[LONGEST:]
    yield Piece(at, text, is_part=False)


def _behind(block: bytes, newlines: int) -> int:
    """The offset behind newline number `newlines` (from 0)."""
    place = 0
    for _ in range(newlines + 1):
        place = block.index(b"\n", place) + 1
    return place
