"""The clock that stands still while the daemon did."""

from __future__ import annotations

import pytest

from snowfox.core.clock import Clock
from snowfox.daemon.steady import SLACK, TURN, SteadyClock


class Hands(Clock):
    """Time set by the test."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:  # noqa: D102
        return self.time

    def wall(self) -> int:  # noqa: D102
        return 5

    def boot(self) -> int:  # noqa: D102
        return 7


@pytest.fixture
def hands() -> Hands:
    """The time outside."""
    return Hands()


def test_time_goes_on_while_waits_keep_their_length(hands: Hands) -> None:
    """Waits that end as meant, or a little late on a busy host, count in full."""
    clock = SteadyClock(hands)
    for late in (0.0, SLACK / 2, SLACK):
        before = clock.now()
        clock.waits(2.0)
        hands.time += 2.0 + late
        assert clock.now() - before == pytest.approx(2.0 + late)
        clock.works()
    assert clock.lost == 0


def test_a_stop_while_waiting_is_left_out(hands: Hands) -> None:
    """Thirty seconds of SIGSTOP in a wait of two leave two."""
    clock = SteadyClock(hands)
    before = clock.now()
    clock.waits(2.0)
    hands.time += 30.0
    assert clock.now() - before == pytest.approx(2.0)
    assert clock.lost == pytest.approx(28.0)
    hands.time += 0.5
    assert clock.now() - before == pytest.approx(2.5)


def test_a_stop_while_working_is_left_out(hands: Hands) -> None:
    """A stop between two waits is left out as well, but for a turn's length."""
    clock = SteadyClock(hands)
    clock.works()
    before = clock.now()
    hands.time += 30.0
    assert clock.now() - before == pytest.approx(TURN)
    assert clock.now() - before == pytest.approx(TURN)


def test_a_wait_without_end_counts_in_full(hands: Hands) -> None:
    """Nothing was due, so nothing can be missed."""
    clock = SteadyClock(hands)
    before = clock.now()
    clock.waits(None)
    hands.time += 3600.0
    clock.works()
    assert clock.now() - before == pytest.approx(3600.0)


def test_it_never_goes_back(hands: Hands) -> None:
    """Whatever stops come, now is never less than before."""
    clock = SteadyClock(hands)
    last = clock.now()
    for step in (0.1, 40.0, 0.0, 2.5, 0.3, 100.0, 1.9):
        hands.time += step
        now = clock.now()
        assert now >= last
        last = now
    assert (clock.wall(), clock.boot()) == (5, 7)
