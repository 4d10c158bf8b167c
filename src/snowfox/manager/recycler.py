"""Finds instances that are older, or take more memory, than their service lets them (`recycle`).

One timer for all, and none while no service says so. That something is too old or too fat is told as often as it is
looked at, until it is replaced: what cannot be replaced now is replaced later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.board import Board, resident
from snowfox.service.event import Recycle
from snowfox.service.renewal import Recycle as Bounds
from snowfox.service.status import Status
from snowfox.values import Seconds, duration_text, size_text

EVERY: Final[Seconds] = 2.0
"""Seconds between two looks."""
_LEAST: Final[Seconds] = 0.2
_SECOND: Final = 1_000_000_000


class Recycler:
    """Looks at what is ready.

    Args:
        posix: the kernel.
        clock: the time.
        alarms: its timer.
        board: what runs.
        tell: takes what is found.
    """

    def __init__(
        self,
        posix: Posix,
        clock: Clock,
        *,
        alarms: Alarms,
        board: Board,
        tell: Callable[[Recycle], None],
    ) -> None:
        self._posix = posix
        self._clock = clock
        self._alarms = alarms
        self._board = board
        self._tell = tell
        self._bounds: dict[str, Bounds] = {}
        self._timer: Alarm | None = None

    def use(self, blueprints: Blueprints) -> None:
        """Look by these from now on."""
        self._bounds = blueprints.recycled()
        if self._timer is not None:
            self._alarms.clear(self._timer)
            self._timer = None
        self._wait()

    def _wait(self) -> None:
        if self._bounds:
            ages = [bounds.age for bounds in self._bounds.values() if bounds.age is not None]
            pause = max(min(EVERY, min(ages, default=4 * EVERY) / 4), _LEAST)
            self._timer = self._alarms.set(pause, self._look)

    def _look(self) -> None:
        self._timer = None
        for instance, bounds in self._bounds.items():
            status = self._board.statuses.get(instance)
            if status is None or status.state != "ready" or not status.pid:
                continue
            reason = self._reason(status, bounds)
            if reason:
                self._tell(Recycle(status.token, reason))
        self._wait()

    def _reason(self, status: Status, bounds: Bounds) -> str:
        """Why it is to be replaced, or ""."""
        age = (self._clock.boot() - status.started) / _SECOND
        if bounds.age is not None and status.started and age >= bounds.age:
            return f"older than {duration_text(bounds.age)}"
        if bounds.memory is not None and (memory := resident(self._posix, status.pid)) >= bounds.memory:
            return f"it took {size_text(memory)} of memory"
        return ""
