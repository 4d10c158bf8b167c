"""Waits for what comes for services that start on demand, and finds out who has been idle for long.

The spawner watches the sockets (`spawner.knocks`): it tells the first that comes for one that sleeps, and of one that
serves, when asked, whether anything came since it was asked last. A quarter of `idle` lies between two questions, so a
service is stopped between one and one and a quarter of `idle` after the last. One with a connection that is open is not
idle, however long that is quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from snowfox.core.clock import Clock
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.service.effects import Demand
from snowfox.service.event import Event, Idle, Wanted
from snowfox.values import Seconds

_LOOKS: Final = 4
"""How often within `idle` it is asked whether anything came."""
_LONGEST: Final[Seconds] = 30.0
_SHORTEST: Final[Seconds] = 0.02


class Watches(Protocol):
    """`connector.knocks`, as this sees it."""

    sessions: int
    """How many sessions with a spawner there were: a new one knows nothing of what came before."""

    def watch_sockets(self, keys: Sequence[str]) -> None:
        """Have the first that comes for these told, and of no others."""

    def stirred(self, keys: Sequence[str], hear: Callable[[bool], None]) -> None:
        """Find out whether anything came for these since they were asked for last; True where nobody can know."""


class _Quiet:
    """A service that is looked at until it is idle."""

    __slots__ = ("alarm", "demand", "sessions", "since")

    def __init__(self, demand: Demand, since: Seconds, sessions: int) -> None:
        self.demand = demand
        self.since = since
        self.sessions = sessions
        self.alarm: Alarm | None = None

    @property
    def interval(self) -> Seconds:
        return min(max(self.demand.idle / _LOOKS, _SHORTEST), _LONGEST)


class Attendant:
    """Performs `Demand`.

    Args:
        clock: measures idle times.
        alarms: for the next look.
        watches: the connector.
        is_busy: whether a connection of one of these sockets is open, by their keys.
        tell: takes events for the engine.
    """

    def __init__(
        self,
        clock: Clock,
        alarms: Alarms,
        *,
        watches: Watches,
        is_busy: Callable[[Sequence[str]], bool],
        tell: Callable[[Event], None],
    ) -> None:
        self._clock = clock
        self._alarms = alarms
        self._watches = watches
        self._is_busy = is_busy
        self._tell = tell
        self._asleep: dict[str, Demand] = {}
        self._quiet: dict[str, _Quiet] = {}

    def attend(self, demand: Demand) -> None:
        """Do this for its service from now on."""
        service = demand.service
        quiet = self._quiet.pop(service, None)
        if quiet is not None and quiet.alarm is not None:
            self._alarms.clear(quiet.alarm)
        was_asleep = self._asleep.pop(service, None) is not None
        if demand.awaits == "connection":
            self._asleep[service] = demand
        if was_asleep or service in self._asleep:
            keys = dict.fromkeys(key for one in self._asleep.values() for key in one.keys)
            self._watches.watch_sockets(list(keys))
        if demand.awaits == "idle":
            self._quiet[service] = quiet = _Quiet(demand, self._clock.now(), self._watches.sessions)
            self._look(quiet)

    def knocked(self, key: str) -> None:
        """Something waits at this socket."""
        for demand in [one for one in self._asleep.values() if key in one.keys]:
            self._tell(Wanted(demand.service, key))

    def close(self) -> None:
        """Look at nothing any more."""
        for quiet in self._quiet.values():
            if quiet.alarm is not None:
                self._alarms.clear(quiet.alarm)
        self._quiet.clear()
        self._asleep.clear()

    def _look(self, quiet: _Quiet) -> None:
        quiet.alarm = None
        self._watches.stirred(quiet.demand.keys, lambda has_come: self._heard(quiet, has_come=has_come))

    def _heard(self, quiet: _Quiet, *, has_come: bool) -> None:
        service = quiet.demand.service
        if self._quiet.get(service) is not quiet:
            return
        now = self._clock.now()
        is_other = quiet.sessions != self._watches.sessions
        quiet.sessions = self._watches.sessions
        if has_come or is_other or self._is_busy(quiet.demand.keys):
            quiet.since = now
        if now - quiet.since >= quiet.demand.idle:
            del self._quiet[service]
            self._tell(Idle(service))
            return
        left = quiet.since + quiet.demand.idle - now
        quiet.alarm = self._alarms.set(min(quiet.interval, left), lambda: self._look(quiet))
