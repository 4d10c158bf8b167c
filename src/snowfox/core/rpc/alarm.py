"""A timer that is set for each of many deadlines at the price of a comparison: it only ever moves to sooner ones.

Whoever it wakes looks for itself whether anything is due, and sets it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from snowfox.values import Seconds

_NEVER: Final = float("inf")


class Alarm:
    """Of one session.

    Args:
        loop: the running loop.
        ring: called at the time.

    Attributes:
        at: the monotonic time for which it is set; infinite when it is not.
    """

    __slots__ = ("_loop", "_ring", "_timer", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]) -> None:
        self.at: Seconds = _NEVER
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: Seconds | None) -> None:
        """Ring then, unless it rings before. None: nothing is due."""
        if when is not None and when < self.at:
            self.stop()
            self.at = when
            self._timer = self._loop.call_at(when, self._rings)

    def stop(self) -> None:
        """Set for nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self.at = None, _NEVER

    def _rings(self) -> None:
        self._timer, self.at = None, _NEVER
        self._ring()
