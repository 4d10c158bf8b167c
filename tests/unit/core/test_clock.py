"""Clocks and timers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.clock import SystemClock, Timers, active, seconds, using
from snowfox.testing.clock import VirtualClock


def test_system_clock_is_the_kernels():
    """Each method reads the clock that its contract names."""
    clock = SystemClock()
    before = time.monotonic(), time.time() * 1000, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now, wall, boot = clock.now(), clock.wall(), clock.boot()
    after = time.monotonic(), time.time() * 1000, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before[0] <= now <= after[0]
    assert before[1] - 1 <= wall <= after[1]
    assert before[2] <= boot <= after[2]


def test_after_takes_text_and_numbers():
    """A deadline is now plus a duration, written or counted."""
    clock = VirtualClock(now=10.0)
    assert clock.after("5s") == 15.0
    assert clock.after(0.5) == 10.5
    with pytest.raises(ValueError, match="not a duration"):
        seconds("soon")


def test_active_clock_is_scoped():
    """`using` holds inside its block only, and nests."""
    outer, inner = VirtualClock(), VirtualClock()
    assert isinstance(active(), SystemClock)
    with using(outer):
        with using(inner) as given_back:
            assert active() is inner is given_back
        assert active() is outer
    assert isinstance(active(), SystemClock)


def test_timers_come_in_order():
    """Due items come earliest first, equal times in the order of adding, and only once."""
    timers = Timers[str]()
    timers.add(2.0, "b")
    timers.add(1.0, "a")
    timers.add(2.0, "c")
    timers.add(3.0, "d")
    assert timers.next() == 1.0
    assert timers.due(2.0) == ["a", "b", "c"]
    assert timers.due(2.0) == []
    assert timers.next() == 3.0
    assert len(timers) == 1


def test_cancelled_timers_never_come():
    """A cancelled timer is not due and not the next; cancelling twice or late is fine."""
    timers = Timers[str]()
    first = timers.add(1.0, "a")
    timers.add(2.0, "b")
    timers.cancel(first)
    timers.cancel(first)
    assert timers.next() == 2.0
    assert timers.due(5.0) == ["b"]
    timers.cancel(first)
    assert timers.next() is None


def test_cancelled_timers_do_not_pile_up():
    """The heap stays in proportion to what waits."""
    timers = Timers[int]()
    for number in range(10_000):
        timers.cancel(timers.add(1e9, number))
    assert len(timers) == 0
    assert len(timers._heap) <= 65


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans())), st.integers(0, 20))
def test_timers_equal_a_sorted_list(entries, now):
    """Whatever is added and cancelled, what is due equals the sorted rest."""
    timers = Timers[int]()
    kept = []
    for number, (when, is_cancelled) in enumerate(entries):
        timer = timers.add(float(when), number)
        if is_cancelled:
            timers.cancel(timer)
        else:
            kept.append((when, number))
    kept.sort()
    assert timers.due(float(now)) == [number for when, number in kept if when <= now]
    later = [when for when, _ in kept if when > now]
    assert timers.next() == (min(later) if later else None)
