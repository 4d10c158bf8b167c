"""Lets a service that prints all the time fill its FIFO again before it is read on.

A wake-up for each line takes more time than the line. The FIFO of such a service is made larger, so that it need not
wait meanwhile; where that is refused there are no pauses. Few threads pause at a time, so that others are always read.
"""

from __future__ import annotations

from threading import Event, Lock
from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.values import Seconds

_SOON: Final[Seconds] = 0.002
_BUSY: Final = 8
_MOST: Final = 2
_PAUSE: Final[Seconds] = 0.001
_LARGE: Final = 1 << 20


class Habit:
    """How a FIFO was read lately: when last, how many times in a row soon after another."""

    __slots__ = ("ended", "streak")

    def __init__(self) -> None:
        self.ended: Seconds = 0.0
        self.streak = 0


class Pauses:
    """Who may pause.

    Args:
        posix: the kernel.
        clock: tells who is busy.
    """

    def __init__(self, posix: Posix, clock: Clock) -> None:
        self._posix = posix
        self._clock = clock
        self._lock = Lock()
        self._under_way = 0
        self._is_over = Event()

    def begin(self, habit: Habit, descriptor: int) -> bool:
        """A FIFO is read now; whether to pause when it is empty. Call `end` then."""
        habit.streak = habit.streak + 1 if self._clock.now() - habit.ended < _SOON else 0
        if habit.streak < _BUSY:
            return False
        if habit.streak == _BUSY:
            try:
                self._posix.files.enlarge(descriptor, _LARGE)
            except PosixError:
                habit.streak = -_LARGE
                return False
        with self._lock:
            if self._under_way >= _MOST:
                return False
            self._under_way += 1
        return True

    def pause(self) -> None:
        """Wait a little."""
        self._is_over.wait(_PAUSE)

    def end(self, habit: Habit, *, paused: bool) -> None:
        """It was read; `paused` is what `begin` said."""
        habit.ended = self._clock.now()
        if paused:
            with self._lock:
                self._under_way -= 1

    def close(self) -> None:
        """Nobody pauses any more."""
        self._is_over.set()
