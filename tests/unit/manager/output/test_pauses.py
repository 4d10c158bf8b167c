"""Who prints all the time is read less often."""

from __future__ import annotations

import errno
from typing import Any

from snowfox.errors import PosixError
from snowfox.manager.output.pauses import Habit, Pauses
from snowfox.testing.clock import VirtualClock


class Played:
    """FIFOs that can be made larger, or not."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.files = self
        self.larger: list[int] = []
        self.refuses = refuses

    def enlarge(self, pipe: int, size: int) -> None:
        """Note it."""
        if self.refuses:
            raise PosixError("enlarge", "fifo", errno.EPERM)
        assert size > 65536
        self.larger.append(pipe)


def begin(pauses: Pauses, habit: Habit, descriptor: int, times: int) -> list[bool]:
    """What is said of so many readings, one right after the other."""
    said = []
    for _ in range(times):
        said.append(pauses.begin(habit, descriptor))
        pauses.end(habit, paused=said[-1])
    return said


def made(posix: Played) -> tuple[Pauses, VirtualClock]:
    """Pauses on a clock that stands."""
    clock = VirtualClock()
    kernel: Any = posix
    clock.advance("1m")
    return Pauses(kernel, clock), clock


def test_who_prints_all_the_time_pauses_with_a_larger_fifo() -> None:
    """Made larger once; who was silent for a while does not pause."""
    posix = Played()
    pauses, clock = made(posix)
    habit = Habit()
    assert begin(pauses, habit, 7, 20) == [False] * 8 + [True] * 12
    assert posix.larger == [7]
    clock.advance("10ms")
    assert begin(pauses, habit, 7, 3) == [False] * 3


def test_no_pause_where_the_fifo_stays_small() -> None:
    """It would make the service wait."""
    pauses, _ = made(Played(refuses=True))
    assert begin(pauses, Habit(), 7, 50) == [False] * 50


def test_few_pause_at_a_time() -> None:
    """So that threads are left for others."""
    pauses, _ = made(Played())
    habits = [Habit() for _ in range(4)]
    for number, habit in enumerate(habits):
        begin(pauses, habit, number, 9)
    assert [pauses.begin(habit, 1) for habit in habits] == [True, True, False, False]
