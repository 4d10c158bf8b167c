"""A token bucket: so many at once, so many a second after that."""

from __future__ import annotations

from snowfox.values import Seconds


class Bucket:
    """Full at first.

    Args:
        size: how many at once.
        rate: how many come back each second.
        now: monotonic time of the start.
    """

    __slots__ = ("_last", "_left", "_rate", "_size")

    def __init__(self, size: int, rate: float, now: Seconds) -> None:
        self._size = size
        self._rate = rate
        self._left = float(size)
        self._last = now

    def take(self, now: Seconds) -> bool:
        """Take one; False when there is none."""
        self._left = min(self._size, self._left + (now - self._last) * self._rate)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
