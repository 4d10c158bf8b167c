"""What launches say, sorted, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from snowfox.manager.alarm import Alarms
from snowfox.manager.probe.hearing import Hearing
from snowfox.manager.probe.notice import Notice
from snowfox.manager.probe.notify import Use
from snowfox.manager.probe.watchdog import Watchdogs
from snowfox.service.event import Event, Notified, ProbeAnswered, Unwell
from snowfox.testing.clock import VirtualClock

READY = Notice(is_ready=True)


class World:
    """A hearing; process 7 is the launch T, 8 is under way, others are strangers."""

    def __init__(self, clock: VirtualClock) -> None:
        alarms = Alarms(clock, asyncio.get_running_loop())
        self.told: list[Event] = []
        self.dogs = Watchdogs(clock, alarms, self.told.append)
        self.hearing = Hearing(
            alarms, whose=self.whose, watchdogs=self.dogs, tell=self.told.append, follow=self.follow
        )
        self.followed: list[tuple[str, int]] = []

    def follow(self, token: str, pid: int, then: Callable[[], None]) -> None:
        """Done at once."""
        self.followed.append((token, pid))
        then()

    def whose(self, senders: Iterator[int], _notice: Notice) -> str | None:
        """By the first of them."""
        return {7: "T", 8: ""}.get(next(senders))

    def say(self, notice: Notice, pid: int = 7) -> Use:
        """A process says this."""
        return self.hearing(iter([pid]), notice)


@pytest.fixture
async def world(clock: VirtualClock) -> World:
    """One for each test."""
    return World(clock)


async def test_ready_is_told_once(world: World, clock: VirtualClock) -> None:
    """The first counts, the others are dropped; after "reloading" it is news again."""
    assert [world.say(READY) for _ in range(3)] == [Use.TOLD, Use.IGNORED, Use.IGNORED]
    assert world.told == [Notified("T")]
    await clock.advance(1.0)
    assert world.say(Notice(is_reloading=True, since=5)) is Use.TOLD
    assert world.say(READY) is Use.KEPT
    await clock.advance(1.0)
    assert world.told[1:] == [
        Notified("T", is_ready=False, is_reloading=True, since=5),
        Notified("T"),
    ]
    assert world.say(READY) is Use.IGNORED


async def test_f24_strangers_are_ignored(world: World) -> None:
    """Whatever they say; what comes before its launch is known is kept elsewhere."""
    assert world.say(READY, 99) is Use.IGNORED
    assert world.say(READY, 8) is Use.TOLD
    assert world.told == []


async def test_f24_a_flood_of_statuses_is_told_four_times_a_second(world: World, clock: VirtualClock) -> None:
    """The first at once, then the last of each pause."""
    for number in range(1000):
        world.say(Notice(status=str(number)))
    assert world.told == [Notified("T", is_ready=False, status="0")]
    await clock.advance(0.3)
    assert world.told[1:] == [Notified("T", is_ready=False, status="999")]
    assert world.say(Notice(status="999")) is Use.IGNORED
    await clock.advance(60.0)
    assert len(world.told) == 2


async def test_words_of_a_pause_are_told_together(world: World, clock: VirtualClock) -> None:
    """The last of each counts, and none is lost."""
    world.say(READY)
    for notice in (
        Notice(error=2),
        Notice(is_stopping=True),
        Notice(status="a"),
        Notice(status="b", extend=3.0),
    ):
        assert world.say(notice) is Use.KEPT
    await clock.advance(0.3)
    assert world.told[1:] == [
        Notified("T", is_ready=False, status="b", error=2, is_stopping=True, extend=3.0)
    ]
    assert world.say(Notice(is_stopping=True)) is Use.IGNORED
    assert world.say(Notice(error=2)) is Use.IGNORED


async def test_pings_go_to_the_watchdog_alone(world: World, clock: VirtualClock) -> None:
    """And are ignored without one."""
    ping = Notice(is_alive=True)
    assert world.say(ping) is Use.IGNORED
    world.dogs.start("T", 1.0)
    assert world.say(ping) is Use.KEPT
    assert world.say(Notice(watchdog=5.0)) is Use.KEPT
    await clock.advance(4.9)
    assert world.told == []
    assert world.say(Notice(is_unwell=True, status="broken")) is Use.TOLD
    assert isinstance(world.told[0], Unwell)
    assert world.told[1] == Notified("T", is_ready=False, status="broken")
    world.dogs.close()


async def test_a_line_in_its_descriptor_is_told_once(world: World) -> None:
    """The first; after its launch nothing is left of it."""
    line = Notice(is_line=True)
    assert [world.say(line) for _ in range(3)] == [Use.TOLD, Use.IGNORED, Use.IGNORED]
    assert world.told == [ProbeAnswered("T", "written")]
    world.hearing.forget("T")
    assert world.say(line) is Use.TOLD


async def test_what_is_over_is_forgotten(world: World, clock: VirtualClock) -> None:
    """Nothing is told of it later, and another launch of that name begins anew."""
    world.say(READY)
    world.say(Notice(status="late"))
    world.hearing.forget("T")
    await clock.advance(1.0)
    assert world.told == [Notified("T")]
    assert world.say(READY) is Use.TOLD
    world.hearing.close()


async def test_a_main_process_is_followed_before_the_rest_is_told(world: World, clock: VirtualClock) -> None:
    """Once for each that is named, and no oftener than all else; at once where its launch is about to end."""
    order: list[object] = []

    def follow(token: str, pid: int, then: Callable[[], None]) -> None:
        order.append((token, pid))
        then()

    world.hearing = Hearing(
        Alarms(clock, asyncio.get_running_loop()),
        whose=world.whose,
        watchdogs=world.dogs,
        tell=order.append,
        follow=follow,
    )
    assert world.say(Notice(is_ready=True, main=8)) is Use.TOLD
    assert order == [("T", 8), Notified("T")]
    assert world.say(Notice(main=8)) is Use.IGNORED
    assert world.say(Notice(main=9)) is Use.KEPT
    assert world.say(Notice(main=10, status="x")) is Use.KEPT
    world.hearing.hurry("T")
    assert order[2:] == [("T", 10), Notified("T", is_ready=False, status="x")]
    for token in ("T", "U"):
        world.hearing.hurry(token)
    await clock.advance(1.0)
    assert len(order) == 4
    world.hearing.close()
