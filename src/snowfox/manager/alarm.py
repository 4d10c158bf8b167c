"""All timers of the manager: one heap, and one timer of the loop for the next of them.

A `call_later` per timer costs 302 bytes, an entry of this heap 119 (performance.md). While nothing is set the loop has
no timer at all.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

from snowfox.core.clock import Clock, Timers
from snowfox.values import Seconds


class Alarm:
    """One that was set; for `Alarms.clear`."""

    __slots__ = ("callback", "number")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self.number = 0


class Alarms:
    """Calls back later.

    Args:
        clock: whose `now` counts.
        loop: wakes us.
    """

    def __init__(self, clock: Clock, loop: AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._timers: Timers[Alarm] = Timers()
        self._handle: TimerHandle | None = None
        self._armed_for: Seconds | None = None

    def set(self, seconds: Seconds, callback: Callable[[], None]) -> Alarm:
        """Call `callback` in `seconds`."""
        alarm = Alarm(callback)
        alarm.number = self._timers.add(self._clock.now() + seconds, alarm)
        self._arm()
        return alarm

    def clear(self, alarm: Alarm) -> None:
        """Do not call it, also when it is due in this turn. One that was called already is fine."""
        alarm.callback = None
        self._timers.cancel(alarm.number)

    def close(self) -> None:
        """Call nothing any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        when = self._timers.next()
        if when is None or (self._armed_for is not None and self._armed_for <= when):
            return
        if self._handle is not None:
            self._handle.cancel()
        self._armed_for = when
        self._handle = self._loop.call_later(max(0.0, when - self._clock.now()), self._ring)

    def _ring(self) -> None:
        self._handle = None
        self._armed_for = None
        for alarm in self._timers.due(self._clock.now()):
            if alarm.callback is not None:
                alarm.callback()
        self._arm()
