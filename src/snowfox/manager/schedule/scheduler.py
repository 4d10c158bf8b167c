"""Looks at the clocks for the planner, and tells the engine.

One timer for all schedules. It rings when the first is due, and at least each `LOOK`: no clock tells when the host slept
or the wall clock was set. Without a schedule there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from random import Random
from typing import Final

from snowfox.core.clock import Clock
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.schedule.planner import Now, Planner, Told, gone
from snowfox.manager.schedule.wording import time_text
from snowfox.service.event import Due, Event, Missed, Planned
from snowfox.service.schedule import Schedule
from snowfox.values import Seconds

LOOK: Final[Seconds] = 60.0
"""The longest time between two looks."""


class Scheduler:
    """The schedules of a node.

    Args:
        clock: its times.
        alarms: the timers.
        zone: finds the host's time zone; asked once, when there is a schedule.
        tell: takes events.
        keep: stores up to which wall clock ms a service's schedule was looked at; None: nothing of it any more.
    """

    def __init__(
        self,
        clock: Clock,
        alarms: Alarms,
        *,
        zone: Callable[[], tzinfo],
        tell: Callable[[Event], None],
        keep: Callable[[str, int | None], None],
    ) -> None:
        self._clock = clock
        self._alarms = alarms
        self._zone = zone
        self._tell = tell
        self._keep = keep
        self._looked: dict[str, int] = {}
        self._schedules: Mapping[str, Schedule] = {}
        self._planner: Planner | None = None
        self._alarm: Alarm | None = None

    def remember(self, looked: Mapping[str, int]) -> None:
        """What was kept before; to be called before `use`."""
        self._looked = dict(looked)

    def use(self, schedules: Mapping[str, Schedule]) -> None:
        """These are the schedules from now on."""
        for service in gone((*self._looked, *self._schedules), schedules):
            self._keep(service, None)
        if self._planner is None:
            self._planner = Planner(self._zone(), Random(), self._looked)  # noqa: S311 - jitter
        self._looked = {}
        self._schedules = schedules
        now = self._now()
        self._pass_on(self._planner.use(schedules, now), now)
        self._look()

    def upcoming(self, service: str, count: int) -> list[str]:
        """The next times that a service's schedule names, for people."""
        planner, schedule = self._planner, self._schedules.get(service)
        if planner is None or schedule is None:
            return []
        now, zone = self._now(), planner.zone(service)
        return [time_text(one, now.wall, zone, schedule) for one in planner.upcoming(service, now, count)]

    def spoken(self, service: str, planned: int) -> str:
        """A time that a service's schedule named, for people; "" when it has none any more."""
        planner, schedule = self._planner, self._schedules.get(service)
        if planner is None or schedule is None:
            return ""
        return time_text(planned, self._clock.wall(), planner.zone(service), schedule)

    def close(self) -> None:
        """Look no more."""
        if self._alarm is not None:
            self._alarms.clear(self._alarm)
            self._alarm = None

    def _now(self) -> Now:
        return Now(self._clock.boot() // 1_000_000, self._clock.wall())

    def _look(self) -> None:
        self.close()
        planner, now = self._planner, self._now()
        if planner is None:
            return
        self._pass_on(planner.look(now), now)
        left = planner.left(now)
        if left is not None:
            # A millisecond more than is left: a timer may ring a moment early.
            self._alarm = self._alarms.set(min(LOOK, (left + 1) / 1000), self._look)

    def _pass_on(self, told: Told, now: Now) -> None:
        for service, looked in told.looked.items():
            self._keep(service, looked)
        for run in told.runs:
            happened = (
                Due(run.service, run.planned, run.late / 1000, run.is_missed)
                if run.is_due
                else Missed(run.service, run.planned)
            )
            self._tell(happened)
        for coming in told.nexts:
            self._tell(self._planned(coming.service, coming.left, coming.planned, now))

    def _planned(self, service: str, left: int | None, planned: int, now: Now) -> Planned:
        planner = self._planner
        if left is None or planner is None:
            return Planned(service, None)
        text = time_text(planned, now.wall, planner.zone(service), self._schedules[service])
        return Planned(service, self._clock.now() + left / 1000, text)
