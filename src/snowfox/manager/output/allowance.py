"""How much of what a service prints is kept per second: pure.

A bucket that holds a second's worth, so that a burst after silence is kept whole. Whole lines are dropped, never parts
of one, and counted; what is kept next is told how much went before it.
"""

from __future__ import annotations

from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.values import Seconds, exact_size_text, size_text

_NOTHING: Final = b""


class Taken(NamedTuple):
    """What is kept of a chunk, and the bytes and lines that are not."""

    kept: bytes
    size: int
    lines: int


class Allowance:
    """The bucket of one log.

    Args:
        rate: bytes a second.
        now: the time, in seconds.
    """

    __slots__ = ("_at", "_dropped", "_is_inside", "_is_open", "_left", "_lines", "rate")

    def __init__(self, rate: int, now: Seconds) -> None:
        self.rate = rate
        self._left = float(rate)
        self._at = now
        self._dropped = 0
        self._lines = 0
        self._is_inside = False
        self._is_open = False

    def take(self, data: bytes, now: Seconds) -> Taken:
        """What is kept of a chunk that came at `now`, after a line about what was dropped before it."""
        self._left = min(float(self.rate), self._left + (now - self._at) * self.rate)
        self._at = now
        if not self._is_inside and not self._dropped and len(data) <= self._left:  # nearly always
            self._left -= len(data)
            self._is_open = not data.endswith(b"\n")
            return Taken(data, 0, 0)
        kept = self._cut(data)
        size = len(data) - len(kept)
        lines = data.count(b"\n") - kept.count(b"\n")
        if kept:
            kept = self._note() + kept
            self._is_open = not kept.endswith(b"\n")
        self._dropped += size
        self._lines += lines
        return Taken(kept, size, lines)

    def _cut(self, data: bytes) -> bytes:
        """What may pass: whole lines, and not what ends a line whose beginning was dropped."""
        begin = 0
        if self._is_inside:
            begin = data.find(b"\n") + 1
            if not begin:
                return _NOTHING
            self._is_inside = False
        room = int(self._left)
        end = len(data)
        if end - begin > room:
            end = data.rfind(b"\n", begin, begin + room) + 1
            self._is_inside = not data.endswith(b"\n")
        kept = data[begin:end] if end > begin else _NOTHING
        self._left -= len(kept)
        return kept

    def _note(self) -> bytes:
        if not self._dropped:
            return _NOTHING
        lines, self._lines = self._lines, 0
        size, self._dropped = self._dropped, 0
        what = f"{lines:,} lines ({size_text(size)})"
        begin = "\n" if self._is_open else ""
        return f"{begin}... {what} dropped here: more than log.rate = {exact_size_text(self.rate)} a second\n".encode()
