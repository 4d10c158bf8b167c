"""The virtual clock."""

import asyncio
import gc
import socket
import time

import pytest

from snowfox.core.clock import active
from snowfox.errors import InternalError
from snowfox.testing import clock as module
from snowfox.testing.clock import VirtualClock, run_virtual


def test_moves_all_three_clocks():
    """Without a loop advance moves monotonic, wall and boot time at once."""
    clock = VirtualClock()
    before = clock.now(), clock.wall(), clock.boot()
    clock.advance("1500ms")
    assert clock.now() - before[0] == 1.5
    assert clock.wall() - before[1] == 1500
    assert clock.boot() - before[2] == 1_500_000_000


def test_wall_jumps_alone():
    """A jump of the wall clock leaves monotonic time alone."""
    clock = VirtualClock()
    now, wall = clock.now(), clock.wall()
    clock.jump_wall(-5000)
    assert (clock.now(), clock.wall()) == (now, wall - 5000)


def test_refuses_to_go_back():
    """Time cannot go back."""
    with pytest.raises(ValueError, match="does not go back"):
        VirtualClock().advance(-1.0)


async def test_timers_run_in_order_at_their_time(clock):
    """Each timer on the way runs at its own time, also those that it sets, and nothing sleeps."""
    loop = asyncio.get_running_loop()
    start, seen = clock.now(), []

    def again():
        seen.append(clock.now() - start)
        loop.call_later(3, again)

    loop.call_later(3, again)
    loop.call_later(4, lambda: seen.append("four"))
    real = time.monotonic()
    await clock.advance("1h")
    assert time.monotonic() - real < 5
    assert seen[:4] == [3, "four", 6, 9]
    assert len(seen) == 1201
    assert clock.now() == start + 3600


async def test_sleepers_wake_at_their_time(clock):
    """asyncio.sleep and asyncio.timeout follow the clock; what comes later stays asleep."""
    woken = []

    async def sleeper(length):
        await asyncio.sleep(length)
        woken.append(length)

    async def impatient():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.sleep(100)
        woken.append("timeout")

    tasks = [
        asyncio.create_task(sleeper(3)),
        asyncio.create_task(sleeper(1)),
        asyncio.create_task(sleeper(30)),
    ]
    tasks.append(asyncio.create_task(impatient()))
    await clock.advance("10s")
    assert woken == [1, "timeout", 3]
    await clock.advance("20s")
    assert woken == [1, "timeout", 3, 30]
    await asyncio.gather(*tasks)


async def test_real_sockets_are_seen_before_time_moves(clock):
    """What a socket holds is handled before the first timer."""
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    left.setblocking(False)
    seen = []
    loop.add_reader(left, lambda: seen.append(left.recv(10)))
    loop.call_later(1, lambda: seen.append("timer"))
    right.send(b"x")
    await clock.advance("1s")
    loop.remove_reader(left)
    left.close()
    right.close()
    assert seen == [b"x", "timer"]


async def test_threads_are_awaited_before_time_moves(clock):
    """A call that is out in a thread ends before time moves on."""
    loop = asyncio.get_running_loop()
    seen = []
    loop.call_later(1, lambda: seen.append("timer"))

    async def outside():
        seen.append(await loop.run_in_executor(None, lambda: time.sleep(0.05) or "thread"))

    task = asyncio.create_task(outside())
    await clock.advance("1s")
    await task
    assert seen == ["thread", "timer"]


async def test_is_the_active_clock(clock):
    """In a test with the fixture the active clock is the virtual one, in its tasks too."""

    async def inner():
        return active()

    assert active() is clock
    assert await asyncio.create_task(inner()) is clock


def test_is_given_to_plain_tests(clock):
    """A plain test gets a clock without a loop."""
    before = clock.now()
    clock.advance("1s")
    assert clock.now() == before + 1


async def test_forgotten_await_is_told(clock):
    """An advance that is not awaited warns, since no time passed."""
    with pytest.warns(RuntimeWarning, match="not awaited"):
        clock.advance("1s")
        gc.collect()


async def test_spinning_is_told(clock, monkeypatch):
    """A task that never pauses ends the advance with an error instead of hanging."""
    monkeypatch.setattr(module, "_MOST_TURNS", 50)

    async def spin():
        while True:  # noqa: ASYNC110 - the mistake that is tested
            await asyncio.sleep(0)

    task = asyncio.create_task(spin())
    with pytest.raises(InternalError, match="spins"):
        await clock.advance("1s")
    task.cancel()
    monkeypatch.undo()


def test_waiting_for_time_that_stands_is_told(monkeypatch):
    """A test that waits for time and does not move it fails instead of hanging."""
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    with pytest.raises(InternalError, match="does not move"):
        run_virtual(lambda clock: asyncio.sleep(5))


def test_run_virtual_returns():
    """run_virtual gives the story its clock and returns its result."""

    async def story(clock):
        sleeper = asyncio.create_task(asyncio.sleep(5, "slept"))
        await clock.advance("5s")
        return await sleeper

    assert run_virtual(story) == "slept"


def test_clock_has_one_loop_at_a_time():
    """A second loop is refused until the first is closed."""
    clock = VirtualClock()
    loop = clock.loop()
    with pytest.raises(InternalError, match="already"):
        clock.loop()
    loop.close()
    clock.loop().close()
