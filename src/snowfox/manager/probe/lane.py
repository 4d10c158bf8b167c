"""Tries under way: a bounded number at once, the others in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]
Done = Callable[[BaseException | None], None]


class Ticket:
    """A try that was asked for."""

    __slots__ = ("done", "is_cancelled", "name", "task", "work")

    def __init__(self, work: Work, name: str, done: Done) -> None:
        self.work = work
        self.name = name
        self.done = done
        self.task: asyncio.Task[None] | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """Nobody wants to know any more: `done` is not called. One that is done is fine."""
        self.is_cancelled = True
        if self.task is not None:
            self.task.cancel()


class Lane:
    """Runs tries.

    Args:
        most: how many at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: deque[Ticket] = deque()
        self._under_way = 0

    def run(self, work: Work, name: str, done: Done) -> Ticket:
        """Do it when there is room; `done` gets what it raised, or None, unless it was cancelled."""
        ticket = Ticket(work, name, done)
        if self._under_way >= self._most:
            self._queue.append(ticket)
        else:
            self._begin(ticket)
        return ticket

    def _begin(self, ticket: Ticket) -> None:
        self._under_way += 1
        ticket.task = asyncio.get_running_loop().create_task(ticket.work(), name=ticket.name)
        ticket.task.add_done_callback(lambda task: self._ended(ticket, task))

    def _ended(self, ticket: Ticket, task: asyncio.Task[None]) -> None:
        self._under_way -= 1
        ticket.task = None
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        try:
            if not ticket.is_cancelled:
                ticket.done(error)
        finally:
            while self._queue and self._under_way < self._most:
                following = self._queue.popleft()
                if not following.is_cancelled:
                    self._begin(following)
