"""When to try again: pure, seeded, without a clock.

The delays follow "exponential backoff and full jitter" (M. Brooker, 2015) but jitter only upwards of half, and only
from the third attempt on, so that the first restarts of a crashed service stay as fast as its user asked for.
systemd's RestartSteps was rejected: it needs the number of steps, which nobody knows in advance.
"""

from __future__ import annotations

from typing import Protocol

from snowfox.core.named import NamedTuple
from snowfox.values import Seconds


class Uniform(Protocol):
    """A source of random numbers; `random.Random` and `core.ids.KernelRandom` are such."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...


class Backoff(NamedTuple):
    """A growing delay between attempts.

    Args:
        first: delay before the second attempt, in seconds, >= 0; 0 stays 0.
        factor: growth per attempt, >= 1.
        most: the longest delay, in seconds, >= first.
        jitter: the part of a delay that chance may take off, 0 to 1.
    """

    first: Seconds
    factor: float = 2.0
    most: Seconds = 30.0
    jitter: float = 0.5

    def delay(self, attempt: int, random: Uniform) -> Seconds:
        """The wait after failed attempt number `attempt` (from 1). Never negative, never above `most`."""
        full = self.ceiling(attempt)
        return full if attempt < 3 else full * (1.0 - self.jitter * (1.0 - random.random()))

    def ceiling(self, attempt: int) -> Seconds:
        """The wait without jitter."""
        try:
            grown = self.first * self.factor ** (max(attempt, 1) - 1)
        except OverflowError:
            grown = self.most if self.first else 0.0
        return max(0.0, min(grown, self.most))
