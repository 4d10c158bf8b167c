"""Whole lines of what instances write, for one who reads along."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from itertools import groupby
from operator import itemgetter
from typing import Final

from snowfox.contract.manager import LogLine
from snowfox.errors import PeerError
from snowfox.manager.output.files import Tail

MOST_WAITING: Final = 4 << 20
"""Bytes that may wait for a slow reader before it is dropped."""
LONGEST_LINE: Final = 64 << 10
"""Bytes of one item of a stream: several short lines, or a piece of a longer one."""


class Follower:
    """Chunks in, lines out. What comes for an instance waits until `begin` told where its lines begin.

    A reader that lets more than `MOST_WAITING` bytes wait is dropped: `take` raises PeerError.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._early: dict[str, list[tuple[bytes, int]]] = {}
        self._rest: dict[str, bytes] = {}
        self._lines: list[LogLine] = []
        self._waiting = 0
        self._wake: Future[None] | None = None
        self._is_dropped = False

    def begin(self, name: str, tail: Tail) -> None:
        """The last lines were read: `tail.rest` is the beginning of the next line."""
        self._rest[name] = tail.rest
        for data, at in self._early.pop(name, ()):
            self._waiting -= len(data)
            self.feed(name, data, at)

    def feed(self, name: str, data: bytes, at: int) -> None:
        """A chunk that an instance wrote, read at wall clock `at` (ms)."""
        if self._is_dropped:
            return
        if self._waiting + len(data) > MOST_WAITING:
            self._is_dropped = True
            self._early.clear()
            self._lines.clear()
        elif name not in self._rest:
            self._early.setdefault(name, []).append((data, at))
            self._waiting += len(data)
            return
        else:
            whole, newline, rest = (self._rest[name] + data).rpartition(b"\n")
            if newline:
                self._add(name, at, whole)
            while len(rest) > LONGEST_LINE:
                self._add(name, at, rest[:LONGEST_LINE])
                rest = rest[LONGEST_LINE:]
            self._rest[name] = rest
            if not self._lines:
                return
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _add(self, name: str, at: int, text: bytes) -> None:
        self._lines.extend(LogLine(name, at, part) for part in pieces(text))
        self._waiting += len(text)

    async def take(self) -> list[LogLine]:
        """The lines that came since; waits for the first. Cancelling loses nothing."""
        while not self._lines and not self._is_dropped:
            self._wake = self._loop.create_future()
            await self._wake
        if self._is_dropped:
            msg = f"cannot send output: the reader is too slow, more than {MOST_WAITING >> 20}M wait"
            raise PeerError(msg, "read faster, or name fewer instances")
        lines, self._lines = self._lines, []
        self._waiting = sum(len(data) for early in self._early.values() for data, _ in early)
        return lines


def pieces(text: bytes) -> list[bytes]:
    """Whole lines in parts of at most `LONGEST_LINE`, cut between lines where there is a line's end."""
    found: list[bytes] = []
    while len(text) > LONGEST_LINE:
        end = text.rfind(b"\n", 0, LONGEST_LINE + 1)
        if end >= 0:
            found.append(text[:end])
            text = text[end + 1 :]
        else:
            found.append(text[:LONGEST_LINE])
            text = text[LONGEST_LINE:]
    found.append(text)
    return found


def lines_of(name: str, tail: Tail, lines: int, *, with_rest: bool) -> list[LogLine]:
    """The last `lines` of a tail, those of one time together; `with_rest` counts an unfinished line as one."""
    found = [*tail.lines, (tail.rest_at, tail.rest)] if with_rest and tail.rest else tail.lines
    result: list[LogLine] = []
    for at, group in groupby(found[max(0, len(found) - lines) :], itemgetter(0)):
        text = b"\n".join(line for _, line in group)
        result.extend(LogLine(name, at, part) for part in pieces(text))
    return result
