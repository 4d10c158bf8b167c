"""One operation: its steps, in order, for any number of readers.

Steps are a list that only grows and is bounded by what the engine tells of an operation (a few per instance), so a
reader is a position in it: a slow one costs nothing and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from snowfox.contract.manager import Progress
from snowfox.values import Seconds


class Operation:
    """An operation.

    Args:
        id: its id, and that of its trace.
        number: as people call it, `#42`.
        verb: `up`, `down`, `start`, `stop` or `restart`.
        who: who asked.
        at: wall clock, ms, when it began.
        began: monotonic.
    """

    __slots__ = (
        "_steps",
        "_wake",
        "at",
        "began",
        "id",
        "instances",
        "is_shown_live",
        "number",
        "verb",
        "who",
    )

    def __init__(self, id: str, number: int, *, verb: str, who: str, at: int, began: Seconds) -> None:
        self.id = id
        self.number = number
        self.verb = verb
        self.who = who
        self.at = at
        self.began = began
        self.instances: set[str] = set()
        self.is_shown_live = False
        self._steps: list[Progress] = []
        self._wake: asyncio.Future[None] | None = None

    @property
    def end(self) -> Progress | None:
        """The last step, once it has ended."""
        return self._steps[-1] if self._steps and self._steps[-1].last else None

    def add(self, step: Progress) -> None:
        """Another step. After the end nothing is added."""
        if self.end is not None:
            return
        self._steps.append(step)
        if self._wake is not None:
            self._wake.set_result(None)
            self._wake = None

    async def follow(self) -> AsyncIterator[Progress]:
        """All steps from the first to the end, as they come."""
        place = 0
        while True:
            while place < len(self._steps):
                step = self._steps[place]
                place += 1
                yield step
                if step.last:
                    return
            if self._wake is None:
                self._wake = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._wake)
