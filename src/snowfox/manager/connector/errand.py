"""Requests to the spawner that outlive a session: sent a bounded number at a time, again after the session was lost.

All of them are safe to repeat (`contract.spawner`): a launch by its token, the others by their nature. One with which
session after session ends may well be why, and is given up. None has a task: what comes of it is heard from its promise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from snowfox.contract.spawner import Spawner
from snowfox.core import trace
from snowfox.core.log import get
from snowfox.core.promise import Promise
from snowfox.errors import ConnectionLost, SnowFoxError
from snowfox.manager.connector.questions import Tries

MOST_AT_ONCE: Final = 1024
"""Requests under way."""
REFILL_AT: Final = 512
"""While more wait than are let go: when so few are under way, the next go together, with one write for all."""

Ask = Callable[[Spawner], Promise[Any]]
"""Asks the spawner something."""
Hear = Callable[[Promise[Any]], None]
"""Deals with what became of it; never with ConnectionLost: then it is asked of the next spawner."""


class _Errand:
    __slots__ = ("ask", "hear", "is_urgent", "number", "trace", "tries")

    def __init__(self, number: int, ask: Ask, hear: Hear, *, is_urgent: bool) -> None:
        self.number = number
        self.ask = ask
        self.hear = hear
        self.is_urgent = is_urgent
        self.trace = trace.current()
        self.tries = Tries()


class Errands:
    """A queue of errands, urgent ones first, else in order. Bounded by who gives them: a few per instance."""

    def __init__(self) -> None:
        self._log = get("manager.connector")
        self._remote: Spawner | None = None
        self._urgent: deque[_Errand] = deque()
        self._queue: deque[_Errand] = deque()
        self._given = self._under_way = 0
        self._is_refilling = False

    @property
    def has_backlog(self) -> bool:
        """Whether some wait until those before them were answered."""
        return bool(self._queue)

    def give(self, ask: Ask, hear: Hear | None = None, *, urgent: bool = False) -> None:
        """Do it as soon as there is room and a spawner, in the trace of who gives it.

        Without `hear` nobody waits for the answer: an error is logged.
        """
        has_backlog = self.has_backlog
        self._given += 1
        errand = _Errand(self._given, ask, hear or self._complain, is_urgent=urgent)
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

    def close(self) -> None:
        """Do nothing more; what is under way ends by itself once its session has ended."""
        self.pause()
        self._urgent.clear()
        self._queue.clear()

    def _refill(self) -> None:
        if self._is_refilling:  # by what failed at once: the loop below goes on with the next
            return
        self._is_refilling = True
        try:
            while (
                self._remote is not None and self._under_way < MOST_AT_ONCE and (self._urgent or self._queue)
            ):
                self._send((self._urgent or self._queue).popleft(), self._remote)
        finally:
            self._is_refilling = False

    def _send(self, errand: _Errand, remote: Spawner) -> None:
        self._under_way += 1
        with trace.within(errand.trace):
            try:
                promise = errand.ask(remote)
            except SnowFoxError as error:  # too large, or not to be written down
                promise = Promise[Any].failed(error)
        promise.when_settled(partial(self._settled, errand, remote))

    def _settled(self, errand: _Errand, remote: Spawner, promise: Promise[Any]) -> None:
        self._under_way -= 1
        if isinstance(promise.error(), ConnectionLost):
            if self._remote is remote:
                self.pause()
            error = errand.tries.failed()
            if error is None:
                self._wait_again(errand)
                return
            promise = Promise[Any].failed(error)
        try:
            with trace.within(errand.trace):
                errand.hear(promise)
        finally:
            if self._under_way <= REFILL_AT or self._urgent:
                self._refill()

    def _wait_again(self, errand: _Errand) -> None:
        """Before all that were given later: what one asks may be the end of what another asked."""
        queue = self._urgent if errand.is_urgent else self._queue
        place = next((place for place, one in enumerate(queue) if one.number > errand.number), len(queue))
        queue.insert(place, errand)

    def _complain(self, promise: Promise[Any]) -> None:
        error = promise.error()
        if error is not None:
            self._log.warning("a request to the spawner failed", error=str(error))
