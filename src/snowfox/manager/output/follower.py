"""Whole lines of what instances write, for one who reads along."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from typing import Final

from snowfox.contract.manager import LogLine
from snowfox.manager.output.reading import LONGEST, Piece, cut
from snowfox.manager.output.shelf import ERRORS
from snowfox.values import size_text

MOST_WAITING: Final = 4 << 20
"""Bytes that may wait for a slow reader; what comes beyond is skipped, and it is told how much."""


class _Chunk:
    """What came at one time, or how much was skipped."""

    __slots__ = ("at", "data", "log", "skipped")

    def __init__(self, log: str, data: bytes, at: int, skipped: int = 0) -> None:
        self.log = log
        self.data = data
        self.at = at
        self.skipped = skipped


class Follower:
    """Chunks in from any thread, lines out in the loop. What comes of a log waits until `begin` told where its lines begin.

    A slow reader never makes a service wait: beyond `MOST_WAITING` bytes what comes is skipped, and a line says so.

    Args:
        loop: where the lines are taken.
        most: bytes that may wait.
    """

    def __init__(self, loop: AbstractEventLoop, *, most: int = MOST_WAITING) -> None:
        self._loop = loop
        self._most = most
        self._lock = Lock()
        self._arrived: deque[_Chunk] = deque()
        self._waiting = 0
        self._is_woken = False
        self._early: dict[str, list[_Chunk]] = {}
        self._rest: dict[str, bytes] = {}
        self._lines: list[LogLine] = []
        self._fed = 0
        self._wake: Future[None] | None = None
        self.skipped = 0

    @property
    def is_waiting(self) -> bool:
        """Whether something came that was not taken."""
        return bool(self._lines or self._arrived)

    def put(self, name: str, data: bytes, at: int) -> None:
        """A chunk of a log, read at wall clock `at` (ms). From any thread; never waits."""
        with self._lock:
            if self._waiting + len(data) <= self._most:
                self._arrived.append(_Chunk(name, data, at))
                self._waiting += len(data)
            else:
                self._skip(name, at, len(data))
            if self._is_woken:
                return
            self._is_woken = True
        with suppress(RuntimeError):  # a loop that is closed has nobody left who waits
            self._loop.call_soon_threadsafe(self._turn)

    def begin(self, name: str, rest: bytes = b"") -> None:
        """What there was of a log was read: `rest` is the beginning of the next line."""
        self._rest[name] = rest
        for chunk in self._early.pop(name, ()):
            self._feed(chunk)
        self._tell()

    def end(self, name: str) -> None:
        """Nothing more of this log is wanted."""
        self._rest.pop(name, None)
        self._early.pop(name, None)

    async def take(self) -> list[LogLine]:
        """The lines that came since; waits for the first. Cancelling loses nothing."""
        while not self._lines:
            self._wake = self._loop.create_future()
            await self._wake
        lines, self._lines = self._lines, []
        with self._lock:
            self._waiting -= self._fed
        self._fed = 0
        return lines

    def _skip(self, name: str, at: int, size: int) -> None:
        self.skipped += size
        last = self._arrived[-1] if self._arrived else None
        if last is not None and last.log == name and last.skipped:
            last.skipped += size
        else:
            self._arrived.append(_Chunk(name, b"", at, size))
            self._waiting += 1  # so that notes have a bound too
        if len(self._arrived) > self._most:
            self._waiting -= len(self._arrived.popleft().data)

    def _turn(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            self._is_woken = False
        for chunk in arrived:
            if chunk.log in self._rest:
                self._feed(chunk)
            else:
                self._early.setdefault(chunk.log, []).append(chunk)
        self._tell()

    def _feed(self, chunk: _Chunk) -> None:
        name, at = chunk.log, chunk.at
        self._fed += len(chunk.data)
        if chunk.skipped:
            self._fed += 1
            rest = self._rest[name]
            note = f"... {size_text(chunk.skipped)} of output skipped: the reader is too slow".encode()
            self._rest[name] = b""
            self._lines += lines_of(name, [Piece(at, one, is_part=False) for one in (rest, note) if one])
            return
        whole, newline, rest = (self._rest[name] + chunk.data).rpartition(b"\n")
        if newline:
            self._lines += lines_of(name, cut(at, whole))
        while len(rest) > LONGEST:
            self._lines += lines_of(name, [Piece(at, rest[:LONGEST], is_part=True)])
            rest = rest[LONGEST:]
        self._rest[name] = rest

    def _tell(self) -> None:
        if self._lines and self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def lines_of(log: str, pieces: Iterable[Piece]) -> list[LogLine]:
    """Pieces of a log as they are told."""
    instance = log.removesuffix(ERRORS)
    stream = "" if instance == log else "errors"
    return [LogLine(instance, piece.at, piece.text, stream, piece.is_part) for piece in pieces]
