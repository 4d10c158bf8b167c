"""What is to happen on the fake kernel, and when."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from snowfox.testing.clock import VirtualClock
from snowfox.testing.kernel.opened import Stuck


class Agenda:
    """Actions at times of a clock.

    Args:
        clock: is moved by `pass_time`.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0

    def add(self, seconds: float, action: Callable[[], object]) -> None:
        """Do this in so many seconds."""
        self._order += 1
        heappush(self._later, (self._clock.now() + seconds, self._order, action))

    def next(self) -> float | None:
        """The monotonic time of what happens next, or None."""
        return self._later[0][0] if self._later else None

    def pass_time(self, seconds: float) -> None:
        """Advance the clock through what is to happen within that time. Raises Stuck when it does not move."""
        end = self._clock.now() + seconds
        while self._later and self._later[0][0] <= end:
            when, _, action = heappop(self._later)
            self._advance(when)
            action()
        self._advance(end)

    def _advance(self, until: float) -> None:
        before = self._clock.now()
        if until <= before:
            return
        self._clock.advance(until - before)
        if self._clock.now() == before:
            msg = "the clock belongs to an asyncio loop: a fake poller there only looks, wait(0)"
            raise Stuck(msg)
