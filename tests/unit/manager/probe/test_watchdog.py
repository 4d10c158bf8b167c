"""Silence, on virtual time."""

from __future__ import annotations

import asyncio

from snowfox.core.clock import Clock
from snowfox.manager.alarm import Alarms
from snowfox.manager.probe.watchdog import Watchdogs
from snowfox.service.event import Event, Unwell
from snowfox.testing.clock import VirtualClock

SILENT = Unwell("T", "watchdog", "watchdog: nothing heard for 10 s", 10.0)


def watchdogs(clock: Clock) -> tuple[Watchdogs, list[Event]]:
    """Some, and what they told."""
    told: list[Event] = []
    return Watchdogs(clock, Alarms(clock, asyncio.get_running_loop()), told.append), told


async def test_who_pings_in_time_is_left_alone(clock: VirtualClock) -> None:
    """Pings of any number; silence is told after the whole time since the last, and again."""
    dogs, told = watchdogs(clock)
    dogs.start("T", 10.0)
    for _ in range(20):
        await clock.advance(7.0)
        assert dogs.ping("T")
        dogs.ping("T")
    assert told == []
    await clock.advance(9.9)
    assert told == []
    await clock.advance(0.2)
    assert told == [SILENT]
    await clock.advance(10.0)
    assert told == [SILENT, SILENT.replace(silent=20.0)]
    dogs.stop("T")
    await clock.advance(60.0)
    assert len(told) == 2


async def test_who_has_none_is_not_minded(clock: VirtualClock) -> None:
    """Its pings and triggers say nothing."""
    dogs, told = watchdogs(clock)
    assert not dogs.ping("T")
    assert not dogs.trigger("T")
    dogs.stop("T")
    dogs.forget("T")
    await clock.advance(60.0)
    assert told == []


async def test_it_can_say_that_it_is_not_well(clock: VirtualClock) -> None:
    """Told at once."""
    dogs, told = watchdogs(clock)
    dogs.start("T", 10.0)
    assert dogs.trigger("T")
    assert told == [Unwell("T", "watchdog", "watchdog: it said that it is not well")]
    dogs.close()


async def test_it_chooses_another_time(clock: VirtualClock) -> None:
    """Before it has a watchdog or after; forgotten with its launch."""
    dogs, told = watchdogs(clock)
    dogs.choose("T", 2.0)
    dogs.start("T", 10.0)
    await clock.advance(2.1)
    assert told == [Unwell("T", "watchdog", "watchdog: nothing heard for 2 s", 2.0)]
    dogs.choose("T", 60.0)
    await clock.advance(59.0)
    assert len(told) == 1
    dogs.forget("T")
    dogs.start("T", 10.0)
    await clock.advance(10.1)
    assert told[1:] == [SILENT]
    dogs.close()


async def test_f05_a_manager_that_was_stopped_declares_nobody_dead(clock: VirtualClock) -> None:
    """A timer that comes late gives another time instead: the pings of meanwhile wait to be read."""

    class Held(Clock):
        jump = 0.0

        def now(self) -> float:
            return clock.now() + self.jump

        wall = boot = clock.wall

    held = Held()
    dogs, told = watchdogs(held)
    dogs.start("T", 10.0)
    await clock.advance(5.0)
    held.jump = 30.0
    await clock.advance(5.1)
    assert told == []
    await clock.advance(10.0)
    assert told == [SILENT.replace(silent=50.0)]
    dogs.close()
