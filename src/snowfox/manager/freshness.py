"""Whether what was read is still what is there: looked at now and then, and hardly waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.config.source import Sources
from snowfox.values import Seconds

EVERY: Final[Seconds] = 1.0
"""Between two looks."""
PATIENCE: Final[Seconds] = 0.1
"""How long whoever asks waits for a look. Files are looked at in less; git may take as long as it likes."""


class Freshness:
    """What is known of the sources in force.

    Args:
        clock: the time.
        differs: looks whether these are no longer what is there; may take long.
    """

    def __init__(self, clock: Clock, differs: Callable[[Sources], Awaitable[bool]]) -> None:
        self._clock = clock
        self._differs = differs
        self._sources: Sources | None = None
        self._look: asyncio.Task[None] | None = None
        self._began: Seconds = 0.0
        self._is_stale = False

    async def is_stale(self, sources: Sources) -> bool:
        """Whether they are no longer what is there, as far as that is known by now."""
        now = self._clock.now()
        if sources is not self._sources:
            self._sources, self._is_stale, self._began = sources, False, now - EVERY
        if self._look is None and now - self._began >= EVERY:
            self._began = now
            self._look = asyncio.get_running_loop().create_task(self._take(sources), name="look at files")
        if self._look is not None and (left := self._began + PATIENCE - now) > 0:
            await asyncio.wait([self._look], timeout=left)
        return self._is_stale

    async def _take(self, sources: Sources) -> None:
        try:
            found = await self._differs(sources)
        finally:
            self._look = None
        if sources is self._sources:
            self._is_stale = found
