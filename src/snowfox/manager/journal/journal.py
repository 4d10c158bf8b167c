"""The journal: kept facts go from the bus to the store, and to those who read along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from snowfox.contract.manager import EventLine
from snowfox.core.event.bus import Bus
from snowfox.core.event.fact import Event
from snowfox.errors import PeerError

MOST_WAITING: Final = 10_000
"""Events that may wait for a slow reader before it is dropped."""


class Reader:
    """One who reads along."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: list[EventLine] = []
        self._wake: asyncio.Future[None] | None = None
        self._is_dropped = False

    def feed(self, line: EventLine) -> None:
        """Another event."""
        if len(self._lines) >= MOST_WAITING:
            self._is_dropped = True
            self._lines.clear()
        if not self._is_dropped:
            self._lines.append(line)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def take(self) -> list[EventLine]:
        """What came since; waits for the first. Raises PeerError when too many wait."""
        while not self._lines and not self._is_dropped:
            self._wake = self._loop.create_future()
            await self._wake
        if self._is_dropped:
            msg = f"cannot send events: the reader is too slow, more than {MOST_WAITING} wait"
            raise PeerError(msg, "read faster")
        lines, self._lines = self._lines, []
        return lines


class Journal:
    """Between the bus, the store and readers.

    Args:
        bus: tells events.
        keep: takes each event that is to be stored.
        last: the last events from the store, oldest first, all that was kept before included.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        keep: Callable[[Event[Any]], None],
        last: Callable[[int], Awaitable[list[EventLine]]],
    ) -> None:
        self._keep = keep
        self._last = last
        self._readers: list[Reader] = []
        self._unsubscribe = bus.subscribe(None, self._hear)

    async def lines(self, count: int, *, follow: bool) -> AsyncIterator[EventLine]:
        """The last `count` kept events, then with `follow` all that come. Raises PeerError, StoreError."""
        reader = Reader(asyncio.get_running_loop())
        if follow:
            self._readers.append(reader)
        try:
            latest = ""
            for line in await self._last(count) if count else []:
                latest = max(latest, line.id)
                yield line
            while follow:
                for line in await reader.take():
                    if line.id > latest:
                        yield line
        finally:
            if follow:
                self._readers.remove(reader)

    def close(self) -> None:
        """Hear nothing more."""
        self._unsubscribe()

    def _hear(self, event: Event[Any]) -> None:
        if event.fact.kept:
            self._keep(event)
        if self._readers:
            told = line(event)
            for reader in self._readers:
                reader.feed(told)


def line(event: Event[Any]) -> EventLine:
    """An event as it travels."""
    return EventLine(
        event.id, event.at, event.kind, event.subject, event.trace, event.cause, event.fact.json()
    )
