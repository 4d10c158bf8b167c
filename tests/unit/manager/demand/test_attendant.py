"""Who is called when, and who has been idle for long."""

from __future__ import annotations

import asyncio

import pytest

from snowfox.manager.alarm import Alarms
from snowfox.manager.demand.attendant import Attendant
from snowfox.service.effects import Demand
from snowfox.service.event import Idle, Wanted
from snowfox.testing.clock import VirtualClock

A, B = "a=127.0.0.1:1", "b=127.0.0.1:2"


class Play:
    """The connector, the open connections and the engine."""

    def __init__(self, clock: VirtualClock) -> None:
        self.sessions = 1
        self.watched: list[list[str]] = []
        self.asked = 0
        self.has_come = False
        self.busy = False
        self.told: list[object] = []
        self.attendant = Attendant(
            clock,
            Alarms(clock, asyncio.get_running_loop()),
            watches=self,
            is_busy=lambda _: self.busy,
            tell=self.told.append,
        )

    def watch_sockets(self, keys) -> None:
        """Note it."""
        self.watched.append(list(keys))

    def stirred(self, keys, hear) -> None:
        """Answer at once, as the spawner: since the last time."""
        self.asked += 1
        has_come, self.has_come = self.has_come, False
        hear(has_come)


@pytest.fixture
async def play(clock: VirtualClock) -> Play:
    """Nothing is attended to yet."""
    return Play(clock)


def sleeping(service, *keys):
    """It waits for a connection."""
    return Demand(service, "connection", keys, 8.0)


async def test_who_sleeps_is_called(play) -> None:
    """All that have the socket; what each has is watched, and no longer than it sleeps."""
    play.attendant.attend(sleeping("web", A, B))
    play.attendant.attend(sleeping("api", A))
    assert play.watched == [[A, B], [A, B]]
    play.attendant.knocked(B)
    assert play.told == [Wanted("web", B)]
    play.attendant.attend(Demand("web", ""))
    assert play.watched[-1] == [A]
    play.attendant.knocked(A)
    assert play.told == [Wanted("web", B), Wanted("api", A)]
    play.attendant.knocked(B)
    assert len(play.told) == 2


async def test_who_is_idle_is_told_once(play, clock) -> None:
    """A quarter of the time lies between two looks; nothing is asked after that."""
    play.attendant.attend(Demand("web", "idle", (A,), 8.0))
    await clock.advance(7.9)
    assert (play.told, play.asked) == ([], 4)
    await clock.advance(0.2)
    assert (play.told, play.asked) == ([Idle("web")], 5)
    await clock.advance(100)
    assert play.asked == 5
    assert play.watched == []


@pytest.mark.parametrize("what", ["has_come", "busy", "session"])
async def test_what_comes_puts_it_off(play, clock, what) -> None:
    """A connection that was, one that is, or a spawner that knows of none before it: the time begins anew."""
    play.attendant.attend(Demand("web", "idle", (A,), 8.0))
    await clock.advance(5)
    if what == "session":
        play.sessions += 1
    else:
        setattr(play, what, True)
    await clock.advance(1.5)
    play.busy = False
    await clock.advance(7)
    assert play.told == []
    await clock.advance(1.6)
    assert play.told == [Idle("web")]


async def test_another_demand_takes_its_place(play, clock) -> None:
    """Also in the middle of a question, and when all is closed."""
    play.attendant.attend(Demand("web", "idle", (A,), 8.0))
    await clock.advance(7)
    play.attendant.attend(Demand("web", ""))
    await clock.advance(100)
    play.attendant.attend(Demand("web", "idle", (A,), 8.0))
    play.attendant.close()
    await clock.advance(100)
    assert play.told == []
