"""Who promised to say something now and then, and did not.

A ping only notes the time; one timer per launch looks whether the time since is over, and sets itself for the rest. So
a ping costs nothing, however often it comes. When the timer itself comes late, this process did not run (it was stopped,
or its host suspended), and what services said meanwhile may wait to be read: they get their time anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from snowfox.core.clock import Clock
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.service.event import Event, Unwell
from snowfox.values import Seconds, span_text

LEAST: Final[Seconds] = 0.01
"""The shortest time that a service can choose."""
LATE: Final[Seconds] = 0.5
"""Seconds after its time from which on a timer was held up by us."""


class _Dog:
    __slots__ = ("alarm", "due", "heard", "seconds", "token", "well")

    def __init__(self, token: str, seconds: Seconds, now: Seconds) -> None:
        self.token = token
        self.seconds = seconds
        self.heard = self.well = now
        self.due = now + seconds
        self.alarm: Alarm | None = None


class Watchdogs:
    """The watchdogs of all launches that have one.

    Args:
        clock: the time.
        alarms: the timers.
        tell: takes Unwell for the engine, again as long as a launch stays silent.
    """

    def __init__(self, clock: Clock, alarms: Alarms, tell: Callable[[Event], None]) -> None:
        self._clock = clock
        self._alarms = alarms
        self._tell = tell
        self._dogs: dict[str, _Dog] = {}
        self._chosen: dict[str, Seconds] = {}

    def start(self, token: str, seconds: Seconds) -> None:
        """From now on this launch has to ping at least each `seconds`, or in the time that it chose itself.

        Begins anew for one that has to already.
        """
        self.stop(token)
        seconds = self._chosen.get(token, seconds)
        dog = self._dogs[token] = _Dog(token, seconds, self._clock.now())
        self._set(dog)

    def stop(self, token: str) -> None:
        """It need not any more. One that has no watchdog is fine."""
        dog = self._dogs.pop(token, None)
        if dog is not None and dog.alarm is not None:
            self._alarms.clear(dog.alarm)

    def choose(self, token: str, seconds: Seconds) -> None:
        """It chose another time for itself (WATCHDOG_USEC), be it before it has a watchdog. Until `forget`."""
        self._chosen[token] = max(seconds, LEAST)
        if token in self._dogs:
            self.start(token, seconds)

    def forget(self, token: str) -> None:
        """This launch is over."""
        self.stop(token)
        self._chosen.pop(token, None)

    def ping(self, token: str) -> bool:
        """It said that it is alive; whether it has to."""
        dog = self._dogs.get(token)
        if dog is not None:
            dog.heard = dog.well = self._clock.now()
        return dog is not None

    def trigger(self, token: str) -> bool:
        """It said that it is not well; whether it has a watchdog to tell so."""
        if token in self._dogs:
            self._tell(Unwell(token, "watchdog", "watchdog: it said that it is not well"))
            return True
        return False

    def close(self) -> None:
        """Mind nobody any more."""
        for token in list(self._dogs):
            self.stop(token)

    def _set(self, dog: _Dog) -> None:
        dog.alarm = self._alarms.set(max(dog.due - self._clock.now(), 0.0), lambda: self._look(dog))

    def _look(self, dog: _Dog) -> None:
        dog.alarm = None
        now = self._clock.now()
        is_silent = now >= dog.heard + dog.seconds
        is_late = now > dog.due + LATE
        silent = now - dog.well
        if is_silent:
            dog.heard = now
        dog.due = dog.heard + dog.seconds
        self._set(dog)
        if is_silent and not is_late:
            text = f"watchdog: nothing heard for {span_text(dog.seconds)}"
            self._tell(Unwell(dog.token, "watchdog", text, silent))
