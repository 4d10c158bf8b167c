"""Finds instances that are older, or take more memory, than their service lets them (`recycle`).

One timer for all, and none while no service says so. That something is too old or too fat is told as often as it is
looked at, until it is replaced: what cannot be replaced now is replaced later. To weigh instances is to look at all
processes of the host, so a host of many is weighed less often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from snowfox.core.clock import Clock
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.board import Board
from snowfox.service.event import Recycle
from snowfox.service.renewal import Recycle as Bounds
from snowfox.service.status import Status
from snowfox.values import Seconds, duration_text, size_text

EVERY: Final[Seconds] = 2.0
"""Seconds between two looks."""
_LEAST: Final[Seconds] = 0.2
_REST: Final = 100
"""How many times as long as weighing took is waited after it."""
_SECOND: Final = 1_000_000_000


class Recycler:
    """Looks at what is ready.

    Args:
        memory: bytes that instances take, by the pids of their main processes.
        clock: the time.
        alarms: its timer.
        board: what runs.
        tell: takes what is found.
    """

    def __init__(
        self,
        memory: Callable[[list[int]], Awaitable[dict[int, int]]],
        clock: Clock,
        *,
        alarms: Alarms,
        board: Board,
        tell: Callable[[Recycle], None],
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._alarms = alarms
        self._board = board
        self._tell = tell
        self._bounds: dict[str, Bounds] = {}
        self._timer: Alarm | None = None
        self._weighing: asyncio.Task[None] | None = None

    def use(self, blueprints: Blueprints) -> None:
        """Look by these from now on."""
        self._bounds = blueprints.recycled()
        if self._timer is not None:
            self._alarms.clear(self._timer)
            self._timer = None
        if self._weighing is not None:
            self._weighing.cancel()
            self._weighing = None
        self._wait()

    def _wait(self, least: Seconds = 0.0) -> None:
        if self._bounds:
            ages = [bounds.age for bounds in self._bounds.values() if bounds.age is not None]
            pause = max(min(EVERY, min(ages, default=4 * EVERY) / 4), _LEAST)
            self._timer = self._alarms.set(max(pause, least), self._look)

    def _look(self) -> None:
        self._timer = None
        heavy: list[tuple[Status, int]] = []
        for instance, bounds in self._bounds.items():
            status = self._board.statuses.get(instance)
            if status is None or status.state != "ready" or not status.pid:
                continue
            age = (self._clock.boot() - status.started) / _SECOND
            if bounds.age is not None and status.started and age >= bounds.age:
                self._tell(Recycle(status.token, f"older than {duration_text(bounds.age)}"))
            elif bounds.memory is not None:
                heavy.append((status, bounds.memory))
        if heavy:
            self._weighing = asyncio.get_running_loop().create_task(self._weigh(heavy), name="recycle")
        else:
            self._wait()

    async def _weigh(self, heavy: list[tuple[Status, int]]) -> None:
        began = self._clock.now()
        memory = await self._memory([status.pid for status, _ in heavy])
        self._weighing = None
        for status, most in heavy:
            if memory[status.pid] >= most:
                self._tell(Recycle(status.token, f"it took {size_text(memory[status.pid])} of memory"))
        self._wait((self._clock.now() - began) * _REST)
