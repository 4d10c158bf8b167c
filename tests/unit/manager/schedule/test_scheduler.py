"""Between the clocks, the planner and the engine."""

from __future__ import annotations

import asyncio
from datetime import UTC

import pytest

from snowfox.manager.alarm import Alarms
from snowfox.manager.schedule.scheduler import LOOK, Scheduler
from snowfox.service.event import Due, Event, Missed, Planned
from snowfox.service.schedule import Schedule
from snowfox.testing.clock import VirtualClock

pytest.importorskip("cronsim", reason="locked in requirements/test.txt: make .venv/.test")


class World:
    """A scheduler, and what it says."""

    def __init__(self, clock: VirtualClock, looked: dict[str, int] | None = None) -> None:
        self.clock = clock
        self.told: list[Event] = []
        self.kept: dict[str, int | None] = {}
        self.zones = 0
        self.alarms = Alarms(clock, asyncio.get_running_loop())
        self.scheduler = Scheduler(
            clock, self.alarms, zone=self._zone, tell=self.told.append, keep=self.kept.__setitem__
        )
        self.scheduler.remember(looked or {})

    def _zone(self) -> type[UTC]:  # type: ignore[valid-type]
        self.zones += 1
        return UTC  # type: ignore[return-value]

    def dues(self) -> list[Event]:
        """What ran and what did not, since the last time."""
        found = [one for one in self.told if not isinstance(one, Planned)]
        self.told.clear()
        return found


async def test_due_and_planned(clock: VirtualClock) -> None:
    """A run is told at its time, then when the next one is; what was looked at is kept."""
    world, begin = World(clock), clock.wall()
    world.scheduler.use({"job": Schedule(every=90.0)})
    assert world.told == [Planned("job", clock.now() + 90.0, "22:14:50")]
    assert world.kept == {"job": begin}
    await clock.advance("91s")
    assert world.dues() == [Due("job", begin + 90_000, 0.001)]
    assert world.kept == {"job": begin + 90_000}
    assert world.scheduler.upcoming("job", 2) == ["22:16:20", "22:17:50"]
    assert world.scheduler.upcoming("other", 2) == []
    assert world.scheduler.spoken("job", begin) == "22:13:20"
    assert world.scheduler.spoken("other", begin) == ""
    world.scheduler.close()
    await clock.advance("1h")
    assert world.dues() == []


async def test_it_looks_though_nothing_is_due(clock: VirtualClock) -> None:
    """A clock that is set is noticed within a minute."""
    world = World(clock)
    world.scheduler.use({"job": Schedule(cron="0 0 * * *")})
    world.told.clear()
    clock.jump_wall(24 * 3_600_000)
    await clock.advance(LOOK)
    (missed,) = world.dues()
    assert isinstance(missed, Missed)
    world.scheduler.close()


async def test_what_is_gone_is_forgotten(clock: VirtualClock) -> None:
    """Also what was kept by a manager before."""
    world = World(clock, {"old": 1})
    world.scheduler.use({"job": Schedule(every=60.0)})
    assert world.kept["old"] is None
    world.scheduler.use({})
    assert world.kept["job"] is None
    assert world.zones == 1
    await clock.advance("1h")
    assert world.dues() == []
