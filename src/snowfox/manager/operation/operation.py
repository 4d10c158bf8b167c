"""One operation: its steps, in order, for any number of readers.

Steps are a list that only grows and is bounded by what the engine tells of an operation (a few per instance), so a
reader is a position in it: a slow one costs nothing and holds up nobody. The first step after quiet is read at once,
those of a rush together each `PACE`: while 1,000 instances start, nobody is woken 1,000 times.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from snowfox.contract.manager import Progress
from snowfox.core.named import NamedTuple
from snowfox.core.trace import Trace
from snowfox.values import Seconds

PACE: Final[Seconds] = 0.05
"""Between two times that readers are woken, but for the end."""


class Verdict(NamedTuple):
    """What an operation ends with, as `Progress` has it."""

    state: str
    message: str
    code: int
    details: tuple[str, ...] = ()
    is_well: bool = True


class Operation:
    """An operation.

    Args:
        id: its id, and that of its trace.
        number: as people call it, `#42`.
        verb: `up`, `down`, `start`, `stop` or `restart`.
        who: who asked.
        at: wall clock, ms, when it began.
        began: monotonic.

    Attributes:
        trace: what its instances do belongs to it.
        instances: whom it is about.
        is_shown_live: whether it tells what they are doing meanwhile.
        verdict: how it ends whatever comes of its instances, where that is known before.
    """

    __slots__ = (
        "_has_news",
        "_rest",
        "_steps",
        "_wake",
        "at",
        "began",
        "id",
        "instances",
        "is_shown_live",
        "number",
        "trace",
        "verb",
        "verdict",
        "who",
    )

    def __init__(self, id: str, number: int, *, verb: str, who: str, at: int, began: Seconds) -> None:
        self.id = id
        self.number = number
        self.verb = verb
        self.who = who
        self.at = at
        self.began = began
        self.trace = Trace(id, id)
        self.instances: set[str] = set()
        self.is_shown_live = False
        self.verdict: Verdict | None = None
        self._steps: list[Progress] = []
        self._wake: asyncio.Future[None] | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._has_news = False

    @property
    def end(self) -> Progress | None:
        """The last step, once it has ended."""
        return self._steps[-1] if self._steps and self._steps[-1].last else None

    def add(self, step: Progress) -> None:
        """Another step. After the end nothing is added."""
        steps = self._steps
        if steps and steps[-1].last:
            return
        steps.append(step)
        if step.last or self._rest is None:
            self._tell()
        else:
            self._has_news = True

    def _tell(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self._wake is None:
            return  # nobody waits: who reads comes by itself to what is new
        self._wake.set_result(None)
        self._wake = None
        if self.end is None:
            self._rest = asyncio.get_running_loop().call_later(PACE, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self._has_news:
            self._has_news = False
            self._tell()

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
