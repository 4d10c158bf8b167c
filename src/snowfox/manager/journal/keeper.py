"""Collects what is to be stored and has it written in batches, one transaction at a time.

A batch holds the last status of an instance, not each of them, so what waits is bounded by the instances. Statuses and
facts wait for the end of a rush (`_QUIET` without another one, but at most `_LOOKS` of these), so that a start of many is
not held up by writing down each of its steps; what somebody asked for, or what something waits for, is written soon.

Facts that cannot be stored are bounded by a number and dropped from the oldest, and counted. While the store refuses (a
full disk), what waits is tried again each second, and nothing that depends on it (`after_stored`) happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from snowfox.core.event.fact import Event
from snowfox.core.log import get
from snowfox.errors import SnowFoxError
from snowfox.manager.alarm import Alarms
from snowfox.manager.operation.operation import Operation
from snowfox.service.status import Status
from snowfox.values import Seconds

MOST_FACTS: Final = 10_000
"""Facts that may wait for the store."""
_QUIET: Final[Seconds] = 0.05
_LOOKS: Final = 10
_RETRY: Final[Seconds] = 1.0


class Batch:
    """What one transaction stores. None drops an entry."""

    __slots__ = ("facts", "looked", "operations", "statuses", "wanted")

    def __init__(self) -> None:
        self.statuses: dict[str, Status | None] = {}
        self.wanted: dict[str, str | None] = {}
        self.operations: dict[str, Operation] = {}
        self.facts: list[Event[Any]] = []
        self.looked: dict[str, int | None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.statuses or self.wanted or self.operations or self.facts or self.looked)

    def before(self, later: Batch) -> None:
        """Become this batch and then `later`."""
        self.statuses.update(later.statuses)
        self.wanted.update(later.wanted)
        self.operations.update(later.operations)
        self.facts.extend(later.facts)
        self.looked.update(later.looked)


class Keeper:
    """Gives batches to the store.

    Args:
        write: stores a batch in one transaction; raises SnowFoxError when it cannot.
        alarms: the timers.
    """

    def __init__(self, write: Callable[[Batch], Awaitable[None]], alarms: Alarms) -> None:
        self._log = get("manager.journal")
        self._write = write
        self._alarms = alarms
        self._batch = Batch()
        self._after: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._is_armed = False
        self._is_hurried = False
        self._is_rush = False
        self._looks = _LOOKS
        self.problem = ""
        self.dropped = 0

    def remember(self, status: Status) -> None:
        """Keep the status of an instance."""
        self._batch.statuses[status.id] = status
        self._later()

    def drop(self, instance: str) -> None:
        """Keep it no longer."""
        self._batch.statuses[instance] = None
        self._later()

    def fact(self, event: Event[Any]) -> None:
        """Keep an event."""
        self._batch.facts.append(event)
        self._later()

    def want(self, instance: str, wanted: str | None) -> None:
        """Keep what a person asked for; None: nothing."""
        self._batch.wanted[instance] = wanted
        self._soon()

    def looked(self, service: str, until: int | None) -> None:
        """Keep up to which wall clock ms a service's schedule was looked at; None: keep it no longer."""
        self._batch.looked[service] = until
        self._soon()

    def operation(self, operation: Operation) -> None:
        """Keep an operation as it is now."""
        self._batch.operations[operation.id] = operation
        self._soon()

    def after_stored(self, then: Callable[[], None]) -> None:
        """Call once all that was given before is stored."""
        self._after.append(then)
        self._soon()

    def hurry(self) -> None:
        """Store what waits as soon as the store is free: it is about something that is told only once."""
        if self._task is not None:
            if not self._is_hurried:
                self._is_hurried = True
                self._task.add_done_callback(self._hurry_on)
        elif not self._batch.is_empty and not self.problem:
            self._begin()

    def _hurry_on(self, _: asyncio.Task[None]) -> None:
        self._is_hurried = False
        self.hurry()

    async def flush(self) -> bool:
        """Store what waits, now. False when it cannot be stored."""
        while self._task is not None:
            await asyncio.shield(self._task)
        if not self._batch.is_empty or self._after:
            self._begin()
            if self._task is not None:
                await asyncio.shield(self._task)
        return not self.problem

    def _later(self) -> None:
        if self._is_armed:
            self._is_rush = True
        else:
            self._arm(_QUIET)

    def _soon(self) -> None:
        self._looks = 0
        self._arm(_QUIET)

    def _arm(self, seconds: Seconds) -> None:
        if not self._is_armed and self._task is None:
            self._is_armed = True
            self._alarms.set(seconds, self._look)

    def _look(self) -> None:
        self._is_armed = False
        if self._is_rush and self._looks and not self.problem:
            self._is_rush = False
            self._looks -= 1
            self._arm(_QUIET)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._task is None:
            self._is_rush, self._looks = False, _LOOKS
            self._task = asyncio.get_running_loop().create_task(self._store(), name="journal")

    async def _store(self) -> None:
        batch, self._batch = self._batch, Batch()
        after, self._after = self._after, []
        try:
            if not batch.is_empty:
                await self._write(batch)
        except SnowFoxError as error:
            self._failed(batch, after, error)
        else:
            self.problem = ""
            for then in after:
                then()
        finally:
            self._task = None
        if self.problem:
            self._arm(_RETRY)
        elif not self._batch.is_empty or self._after:
            self._arm(_QUIET)

    def _failed(self, batch: Batch, after: list[Callable[[], None]], error: SnowFoxError) -> None:
        if not self.problem:
            self._log.error("cannot store what happened", error=str(error))
        self.problem = str(error)
        batch.before(self._batch)
        excess = len(batch.facts) - MOST_FACTS
        if excess > 0:
            del batch.facts[:excess]
            self.dropped += excess
        self._batch = batch
        self._after = after + self._after
