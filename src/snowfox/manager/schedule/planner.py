"""When which service is due: pure, both clocks given in.

Cron fields are about the wall clock, intervals about the clock of the boot, which nobody sets and which goes on while
the host sleeps. Each time that a schedule names is told exactly once, as due or as missed:

```text
it comes                          due, once its jitter is over
looked at late, by `PATIENCE`     due all the same: a manager was restarted, the host was busy
later than that                   missed: the node or host was down, it slept, the clock was set. All that was missed
                                  is one run (`once`) or none (`skip`); the next is the first that is still to come
the clock is set back, by little  nothing runs a second time: what was next is waited for
set back by more than `FAR`       it had been wrong: what is next is found anew, as Debian's cron has it
```

What was looked at last is kept by its owner (`Told.looked`), so that the next manager or node knows what it missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from random import Random
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.service.schedule import Every, Schedule, Times

PATIENCE: Final = 90_000
"""Milliseconds after which a time counts as missed."""

FAR: Final = 3 * 3_600_000
"""Milliseconds by which a clock that is set back had been wrong (cron(8) of Debian: three hours)."""

MOST: Final = 1_000
"""Times of one schedule that one look may tell: more than `PATIENCE` has of the shortest interval."""


class Now(NamedTuple):
    """Milliseconds of the clock of the boot, and of the wall clock since 1970."""

    boot: int
    wall: int


class Run(NamedTuple):
    """A time that a schedule names has come (`is_due`), or was missed and is passed over.

    Args:
        service: whose.
        planned: wall clock ms.
        late: ms since then.
        is_due: whether it runs now.
        is_missed: whether nobody was there then.
    """

    service: str
    planned: int
    late: int
    is_due: bool = True
    is_missed: bool = False


class Next(NamedTuple):
    """When a service is due next: ms from now, and the wall clock ms that the schedule names; None: never."""

    service: str
    left: int | None
    planned: int


class Told(NamedTuple):
    """What a look found: runs in their order, what is next where that changed, and what is to be kept of each."""

    runs: list[Run]
    nexts: list[Next]
    looked: dict[str, int]


class _Entry:
    """A schedule. `planned` and `due` are instants of its own clock."""

    __slots__ = ("due", "planned", "schedule", "times")

    def __init__(self, schedule: Schedule, times: Times) -> None:
        self.schedule = schedule
        self.times = times
        self.planned: int | None = None
        self.due = 0

    @property
    def is_interval(self) -> bool:
        return self.schedule.every is not None

    def time(self, now: Now) -> int:
        """What its own clock shows."""
        return now.boot if self.is_interval else now.wall

    def wall(self, instant: int, now: Now) -> int:
        """An instant of its own clock on the wall clock."""
        return instant + now.wall - self.time(now)


class Planner:
    """All schedules of a node.

    Args:
        zone: the host's time zone.
        random: for jitter.
        looked: up to which wall clock ms each service's schedule was looked at before, by service.
    """

    def __init__(self, zone: tzinfo, random: Random, looked: Mapping[str, int]) -> None:
        self._zone = zone
        self._random = random
        self._looked = dict(looked)
        self._entries: dict[str, _Entry] = {}
        self._seen: Now | None = None

    def use(self, schedules: Mapping[str, Schedule], now: Now) -> Told:
        """These are the schedules from now on. Those that did not change go on; of all it is told what is next."""
        before, self._entries = self._entries, {}
        told = Told([], [], {})
        for service, schedule in schedules.items():
            entry = before.get(service)
            if entry is not None and entry.schedule.names_the_same(schedule):
                entry.schedule = schedule
            else:
                looked = self._looked.pop(service, None) if entry is None else None
                entry = self._open(service, schedule, looked, now, told)
            if entry is not None:
                self._entries[service] = entry
        self._seen = now
        told.nexts.extend(self._next(service, entry, now) for service, entry in self._entries.items())
        return told

    def look(self, now: Now) -> Told:
        """What is due."""
        told = Told([], [], {})
        changed: dict[str, None] = {}
        drift = self._drift(now)
        if drift < -FAR:
            self._find_anew(now, told, changed)
        elif drift:
            changed.update((service, None) for service, one in self._entries.items() if not one.is_interval)
        if drift:
            self._keep_rhythm(now, told)
        self._seen = now
        for service, entry in self._entries.items():
            if entry.planned is not None and entry.due <= entry.time(now):
                self._come(service, entry, now, told)
                changed[service] = None
        told.nexts.extend(self._next(service, self._entries[service], now) for service in changed)
        return told

    def left(self, now: Now) -> int | None:
        """Milliseconds until the first is due, by these clocks; None without any."""
        waiting = [one.due - one.time(now) for one in self._entries.values() if one.planned is not None]
        return max(0, min(waiting)) if waiting else None

    def upcoming(self, service: str, now: Now, count: int) -> list[int]:
        """The next times that a schedule names, wall clock ms; [] for an unknown service."""
        entry = self._entries.get(service)
        found: list[int] = []
        instant = entry.planned if entry is not None else None
        while entry is not None and instant is not None and len(found) < count:
            found.append(entry.wall(instant, now))
            instant = entry.times.after(instant)
        return found

    def zone(self, service: str) -> tzinfo:
        """Whose clocks a service's schedule is about; the host's for an unknown one."""
        entry = self._entries.get(service)
        return self._zone if entry is None else entry.schedule.zone(self._zone)

    # Within

    def _open(
        self, service: str, schedule: Schedule, looked: int | None, now: Now, told: Told
    ) -> _Entry | None:
        try:
            entry = _Entry(schedule, schedule.times(self._zone))
        except ValueError:  # a time zone that is gone since it was checked
            return None
        if looked is None or looked > now.wall + (0 if entry.is_interval else FAR):
            looked = now.wall
            told.looked[service] = looked
        self._plan(entry, looked - now.wall + entry.time(now))
        return entry

    def _plan(self, entry: _Entry, after: int) -> None:
        """Find the first time after an instant."""
        entry.planned = planned = entry.times.after(after)
        if planned is None:
            return
        most = round(entry.schedule.jitter * 1000)
        if most:
            following = entry.times.after(planned)
            most = most if following is None else min(most, following - planned - 1)
        entry.due = planned + (self._random.randint(0, most) if most > 0 else 0)

    def _come(self, service: str, entry: _Entry, now: Now, told: Told) -> None:
        time = entry.time(now)
        for _ in range(MOST):
            planned = entry.planned
            if planned is None or entry.due > time:
                return
            wall = entry.wall(planned, now)
            is_missed = time - entry.due > PATIENCE
            is_due = not is_missed or entry.schedule.missed == "once"
            told.runs.append(Run(service, wall, time - planned, is_due, is_missed))
            if is_missed:
                self._pass_over(entry, planned, time)
                told.looked[service] = _looked(entry, now)
            else:
                self._plan(entry, planned)
                told.looked[service] = wall

    def _pass_over(self, entry: _Entry, planned: int, time: int) -> None:
        """All that was missed is over: find what is still to come; an interval keeps its rhythm."""
        times = entry.times
        self._plan(entry, times.latest(planned, time) if isinstance(times, Every) else time)

    def _drift(self, now: Now) -> int:
        """How far the wall clock was set since the last look; what is below a second is nothing."""
        seen = self._seen or now
        drift = (now.wall - seen.wall) - (now.boot - seen.boot)
        return drift if abs(drift) >= 1000 else 0

    def _find_anew(self, now: Now, told: Told, changed: dict[str, None]) -> None:
        for service, entry in self._entries.items():
            if not entry.is_interval:
                self._plan(entry, now.wall)
                told.looked[service] = now.wall
                changed[service] = None

    def _keep_rhythm(self, now: Now, told: Told) -> None:
        """The wall clock was set: say anew, in its terms, where intervals are, for the next manager."""
        for service, entry in self._entries.items():
            if entry.is_interval:
                told.looked[service] = _looked(entry, now)

    def _next(self, service: str, entry: _Entry, now: Now) -> Next:
        if entry.planned is None:
            return Next(service, None, 0)
        return Next(service, entry.due - entry.time(now), entry.wall(entry.planned, now))


def _looked(entry: _Entry, now: Now) -> int:
    """Up to where a schedule was looked at, when it was looked at now; of an interval its last instant, for the rhythm."""
    times = entry.times
    if isinstance(times, Every) and entry.planned is not None:
        return entry.wall(times.before(entry.planned), now)
    return now.wall


def gone(looked: Iterable[str], schedules: Mapping[str, Schedule]) -> list[str]:
    """Of the services that something is kept of, those that have no schedule any more."""
    return [service for service in looked if service not in schedules]
