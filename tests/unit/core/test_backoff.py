"""Growing delays."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.backoff import Backoff


def test_first_two_are_exact():
    """The first and second delay have no jitter."""
    backoff = Backoff(0.1, 2.0, 30.0)
    assert [backoff.delay(attempt, Random(attempt)) for attempt in (1, 2)] == [0.1, 0.2]


def test_later_ones_keep_half():
    """From the third on the delay lies between half and all of the ceiling, and does vary."""
    backoff = Backoff(1.0, 2.0, 100.0)
    delays = {backoff.delay(4, Random(seed)) for seed in range(100)}
    assert all(4.0 <= delay <= 8.0 for delay in delays)
    assert len(delays) > 50


def test_zero_stays_zero():
    """A first delay of 0 is no delay, for ever."""
    assert Backoff(0.0).delay(50, Random(1)) == 0.0


@given(st.integers(-5, 10**9), st.floats(0, 100), st.floats(1, 1000), st.floats(0, 1000), st.integers())
def test_bounds(attempt, first, factor, more, seed):
    """Never negative, never above the longest, whatever the attempt."""
    backoff = Backoff(first, factor, first + more)
    assert 0 <= backoff.delay(attempt, Random(seed)) <= first + more


@given(st.integers(1, 1000))
def test_ceiling_grows(attempt):
    """Without jitter the delays never shrink."""
    backoff = Backoff(0.1, 1.5, 60.0)
    assert backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1) <= 60.0


def test_jitter_is_the_part_that_chance_takes():
    """None of it, or all."""
    assert Backoff(1.0, 2.0, 30.0, 0.0).delay(3, Random(1)) == 4.0
    lots = [Backoff(1.0, 2.0, 30.0, 1.0).delay(3, Random(seed)) for seed in range(200)]
    assert min(lots) < 0.2
    assert max(lots) < 4.0
