"""When each part of a log file was written: pairs of (offset, wall clock) beside it.

A pair is 16 bytes, two big-endian unsigned 64-bit numbers: the offset of a byte in the log and the ms since 1970 at
which it was read from the service. A pair is written at most each 10 ms or 64 KiB, whichever comes first, so the
index of a chatty log stays far below its size. Fixed pairs are found by bisection and an index cut short by a crash
is still right for what it covers. Time stamps inside the log were rejected: the log is what the service wrote.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import Final

from snowfox.core.named import NamedTuple

_PAIR: Final = struct.Struct(">QQ")
PAIR_SIZE: Final = _PAIR.size
"""Bytes of one pair."""
EVERY_MS: Final = 10
"""A new pair when this many ms went by since the last one."""
EVERY_BYTES: Final = 64 << 10
"""A new pair when this many bytes were written since the last one."""


def pair(offset: int, at: int) -> bytes:
    """One pair as it is stored."""
    return _PAIR.pack(offset, at)


class TimeIndex(NamedTuple):
    """A read index: offsets and times of the same length, both ascending (times as far as the clock did)."""

    offsets: list[int]
    times: list[int]

    def at(self, offset: int) -> int:
        """When the byte at `offset` was read, ms since 1970; 0 when the index does not cover it."""
        place = bisect_right(self.offsets, offset)
        return self.times[place - 1] if place else 0

    def span(self, offset: int) -> tuple[int, int | None]:
        """When the byte at `offset` was read, and the offset at which the next time begins; None: none does."""
        place = bisect_right(self.offsets, offset)
        after = self.offsets[place] if place < len(self.offsets) else None
        return (self.times[place - 1] if place else 0), after

    def since(self, at: int) -> int | None:
        """The offset of the first byte read at `at` or later; None when all of it is older."""
        for offset, time in zip(self.offsets, self.times, strict=True):
            if time >= at:
                return offset
        return None


def parse(data: bytes) -> TimeIndex:
    """An index of its bytes; an incomplete last pair is left out."""
    whole = len(data) - len(data) % PAIR_SIZE
    offsets: list[int] = []
    times: list[int] = []
    for offset, at in _PAIR.iter_unpack(data[:whole]):
        offsets.append(offset)
        times.append(at)
    return TimeIndex(offsets, times)
