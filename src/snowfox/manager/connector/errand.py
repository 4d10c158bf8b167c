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

MOST_AT_ONCE: Final = 64
"""Requests under way."""

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
        (self._urgent if urgent else self._queue).append(errand)
        self._hire()

    def begin(self, remote: Spawner) -> None:
        """There is a spawner."""
        self._remote = remote
        for _ in range(len(self._urgent) + len(self._queue)):
            if not self._hire():
                return

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

    def _hire(self) -> bool:
        if self._remote is None or len(self._tasks) >= MOST_AT_ONCE:
            return False
        task = asyncio.get_running_loop().create_task(self._work(self._remote), name="errand")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _work(self, remote: Spawner) -> None:
        while remote is self._remote and (self._urgent or self._queue):
            queue = self._urgent or self._queue
            errand = queue.popleft()
            try:
                await errand(remote)
            except ConnectionLost:
                queue.appendleft(errand)
                return
            except SnowFoxError as error:
                self._log.warning("a request to the spawner failed", error=str(error))
