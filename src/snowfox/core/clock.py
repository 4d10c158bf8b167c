"""Monotonic and wall time, kept apart; and a heap of timers for loops without asyncio.

Deadlines and delays are monotonic seconds (`now`), comparable with the time of an asyncio loop in the same process.
What people read is wall time (`wall`). What is compared with `/proc` is the boot-time clock (`boot`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextvars import ContextVar, Token
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from snowfox.values import Seconds, duration

T = TypeVar("T")


def seconds(length: str | Seconds) -> Seconds:
    """Seconds of `10s` or of a number of seconds. Raises ValueError for a text that is no duration."""
    return duration(length) if isinstance(length, str) else float(length)


class Clock(ABC):
    """Where time comes from. Implementations: `SystemClock`, `testing.clock.VirtualClock`."""

    @abstractmethod
    def now(self) -> Seconds:
        """Monotonic seconds from an unnamed start; never goes back, stands still while the host sleeps."""

    @abstractmethod
    def wall(self) -> int:
        """Milliseconds since 1970, UTC; for people only, it may jump."""

    @abstractmethod
    def boot(self) -> int:
        """Nanoseconds since the host booted, its sleep included (clock_gettime(2), CLOCK_BOOTTIME)."""

    def after(self, length: str | Seconds) -> Seconds:
        """The monotonic time that is `10s` (or a number of seconds) from now: a deadline."""
        return self.now() + seconds(length)


class SystemClock(Clock):
    """The kernel's clocks."""

    def now(self) -> Seconds:
        """CLOCK_MONOTONIC, as asyncio's loops use it."""
        return time.monotonic()

    def wall(self) -> int:
        """CLOCK_REALTIME."""
        return time.time_ns() // 1_000_000

    def boot(self) -> int:
        """CLOCK_BOOTTIME."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


_SYSTEM: Final = SystemClock()
_active: Final[ContextVar[Clock | None]] = ContextVar("snowfox.clock", default=None)


def active() -> Clock:
    """The clock of the place that calls: the system's, or what `using` gave."""
    return _active.get() or _SYSTEM


class using:  # noqa: N801 - reads as a statement
    """`with using(clock):` makes it the active one for what runs inside, tasks made there included."""

    __slots__ = ("_clock", "_token")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token: Token[Clock | None] | None = None

    def __enter__(self) -> Clock:
        self._token = _active.set(self._clock)
        return self._clock

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _active.reset(self._token)


class Timers(Generic[T]):
    """Items that are due at a time: a heap, without a clock of its own.

    Items due at the same time come in the order in which they were added. Cancelled ones leave the heap late, but
    never outnumber the living by more than a constant.
    """

    __slots__ = ("_heap", "_items", "_last")

    def __init__(self) -> None:
        self._heap: list[tuple[Seconds, int]] = []
        self._items: dict[int, T] = {}
        self._last = 0

    def __len__(self) -> int:
        """How many are waiting."""
        return len(self._items)

    def add(self, when: Seconds, item: T) -> int:
        """Let `item` be due at the monotonic time `when`. Returns the timer's number, for `cancel`."""
        self._last += 1
        self._items[self._last] = item
        heappush(self._heap, (when, self._last))
        return self._last

    def cancel(self, timer: int) -> None:
        """Forget a timer; one that was due or cancelled already is fine."""
        if timer not in self._items:
            return
        del self._items[timer]
        if len(self._heap) > 2 * len(self._items) + 64:
            self._heap = [entry for entry in self._heap if entry[1] in self._items]
            heapify(self._heap)

    def due(self, now: Seconds) -> list[T]:
        """Take out all whose time has come, earliest first."""
        out: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            _, timer = heappop(self._heap)
            if timer in self._items:
                out.append(self._items.pop(timer))
        return out

    def next(self) -> Seconds | None:
        """The monotonic time at which the first is due; None when nothing waits."""
        while self._heap and self._heap[0][1] not in self._items:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
