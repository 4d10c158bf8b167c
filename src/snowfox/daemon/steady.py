"""A clock that stands still while this process did.

A daemon that was stopped (SIGSTOP, a suspended machine) must not take its own absence for the silence of others: on
resume all deadlines are as far away as when it was stopped. Whoever waits says how long it means to; what goes beyond
that is left out of `now`.
"""

from __future__ import annotations

from typing import Final

from snowfox.core.clock import Clock
from snowfox.values import Seconds

TURN: Final[Seconds] = 1.0
"""How long one may work between two waits."""
SLACK: Final[Seconds] = 1.0
"""What a busy host may add to a wait or a turn without being counted as a stop."""


class SteadyClock(Clock):
    """Another clock's time without the stops of this process.

    Args:
        clock: the time outside.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost: Seconds = 0.0
        self._until: Seconds = clock.now() + TURN

    @property
    def lost(self) -> Seconds:
        """All that was left out so far."""
        return self._lost

    def now(self) -> Seconds:
        """Monotonic; behind the clock outside by what was left out."""
        now = self._clock.now() - self._lost
        if now - self._until <= SLACK:
            return now
        self._lost += now - self._until
        now, self._until = self._until, self._until + TURN
        return now

    def wall(self) -> int:
        """As outside."""
        return self._clock.wall()

    def boot(self) -> int:
        """As outside."""
        return self._clock.boot()

    def waits(self, timeout: Seconds | None) -> None:
        """A wait of at most so long begins; None: without end."""
        self._until = float("inf") if timeout is None else self.now() + timeout

    def works(self) -> None:
        """The wait is over; what is done now looks at the clock within `TURN`."""
        self._until = self.now() + TURN
