"""Requests to the spawner that outlive a session: sent a bounded number at a time, again after the session was lost.

All of them are safe to repeat (`contract.spawner`): a launch by its token, the others by their nature.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from snowfox.contract.spawner import Spawner
from snowfox.core.log import get
from snowfox.errors import ConnectionLost, SnowFoxError
from snowfox.values import Seconds

MOST_AT_ONCE: Final = 128
"""Requests under way."""
REFILL_AT: Final = 64
"""While more wait than are let go: when so few are under way, the next go together, with one write for all."""

_CLOSE_WITHIN: Final[Seconds] = 1.0

Errand = Callable[[Spawner], Awaitable[None]]
"""Asks the spawner something and deals with the answer. ConnectionLost: will be tried again with the next spawner."""


class Errands:
    """A queue of errands, urgent ones first. Bounded by who gives them: a few per instance."""

    def __init__(self) -> None:
        self._log = get("manager.connector")
        self._remote: Spawner | None = None
        self._urgent: deque[Errand] = deque()
        self._queue: deque[Errand] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def give(self, errand: Errand, *, urgent: bool = False) -> None:
        """Do it as soon as there is room and a spawner."""
        has_backlog = bool(self._queue)
        (self._urgent if urgent else self._queue).append(errand)
        if urgent or not has_backlog:
            self._refill()

    def begin(self, remote: Spawner) -> None:
        """There is a spawner."""
        self._remote = remote
        self._refill()

    def pause(self) -> None:
        """The spawner is gone; what is under way fails by itself and waits for the next one."""
        self._remote = None

    async def close(self) -> None:
        """Do nothing more; what is under way ends by itself once its session has ended."""
        self.pause()
        self._urgent.clear()
        self._queue.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_WITHIN)

    def _refill(self) -> None:
        while self._remote is not None and len(self._tasks) < MOST_AT_ONCE and (self._urgent or self._queue):
            queue = self._urgent or self._queue
            work = self._do(queue.popleft(), queue, self._remote)
            task = asyncio.get_running_loop().create_task(work, name="errand")
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _do(self, errand: Errand, queue: deque[Errand], remote: Spawner) -> None:
        try:
            await errand(remote)
        except ConnectionLost:
            queue.appendleft(errand)
            if self._remote is remote:
                self.pause()
        except SnowFoxError as error:
            self._log.warning("a request to the spawner failed", error=str(error))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._tasks) <= REFILL_AT or self._urgent:
            self._refill()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
