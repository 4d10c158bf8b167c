"""The manager's timers."""

import asyncio

from snowfox.core.clock import SystemClock
from snowfox.manager.alarm import Alarm, Alarms


class StillClock(SystemClock):
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """The time that the test set."""
        return self.time


class StillLoop:
    """Keeps the one timer that it is asked for."""

    def __init__(self, clock: StillClock) -> None:
        self.clock = clock
        self.handles: list[StillHandle] = []

    def call_later(self, delay: float, callback: object) -> "StillHandle":
        """Kept, not called."""
        handle = StillHandle(self.clock.time + delay, callback)
        self.handles.append(handle)
        return handle

    def live(self) -> list["StillHandle"]:
        """Those that are neither called nor cancelled."""
        return [handle for handle in self.handles if not handle.done]

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.time += seconds
        for handle in self.live():
            if handle.when <= self.clock.time:
                handle.done = True
                handle.callback()  # type: ignore[operator]


class StillHandle:
    """A timer of the loop."""

    def __init__(self, when: float, callback: object) -> None:
        self.when = when
        self.callback = callback
        self.done = False

    def cancel(self) -> None:
        """It will not be called."""
        self.done = True


def alarms() -> tuple[Alarms, StillLoop]:
    """Alarms over a loop that stands still."""
    clock = StillClock()
    loop = StillLoop(clock)
    return Alarms(clock, loop), loop  # type: ignore[arg-type]


def test_alarms_ring_in_order_with_one_timer_of_the_loop() -> None:
    """A thousand alarms are one timer; an earlier one added later moves it."""
    some, loop = alarms()
    rung: list[int] = []
    for number in range(1000, 0, -1):
        some.set(float(number), lambda number=number: rung.append(number))
    assert len(loop.live()) == 1
    loop.advance(3.5)
    assert rung == [1, 2, 3]
    assert len(loop.live()) == 1


def test_nothing_set_is_no_timer() -> None:
    """Idle: the loop has nothing to wake up for."""
    some, loop = alarms()
    some.clear(some.set(5.0, lambda: None))
    loop.advance(10)
    assert loop.live() == []


def test_a_cleared_alarm_does_not_ring() -> None:
    """Also when it is cleared in the turn in which it is due, by one that rang before it."""
    some, loop = alarms()
    rung: list[str] = []
    timers: list[Alarm] = []

    def first() -> None:
        rung.append("first")
        some.clear(timers[0])

    some.set(1.0, first)
    timers.append(some.set(2.0, lambda: rung.append("second")))
    loop.advance(5)
    assert rung == ["first"]


def test_an_alarm_set_while_ringing_rings() -> None:
    """A callback may set the next one."""
    some, loop = alarms()
    rung: list[str] = []
    some.set(1.0, lambda: some.set(1.0, lambda: rung.append("again")))
    loop.advance(1)
    loop.advance(1)
    assert rung == ["again"]


async def test_in_a_real_loop() -> None:
    """It rings in a loop of asyncio."""
    rung = asyncio.get_running_loop().create_future()
    Alarms(SystemClock(), asyncio.get_running_loop()).set(0.0, lambda: rung.set_result(None))
    await asyncio.wait_for(rung, 5)
