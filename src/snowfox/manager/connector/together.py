"""What is asked of the spawner about many launches goes together: a node that goes down ends a thousand in one turn.

Signals and kills of a turn of the loop are sent at its end, or before the next launch, in the order in which they were
given: those that follow one another and are the same in one request. What is forgotten waits for the end of the turn.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from snowfox.contract.spawner import Spawner
from snowfox.core.promise import Promise
from snowfox.manager.connector.errand import Errands

MOST: Final = 200
"""Tokens in one request."""

_KILL: Final = 0
"""In place of a signal's number."""


class Together:
    """Collects tokens, and gives them to the errands.

    Args:
        errands: take the requests.
        loop: whose turns count.
    """

    def __init__(self, errands: Errands, loop: asyncio.AbstractEventLoop) -> None:
        self._errands = errands
        self._loop = loop
        self._ends: list[tuple[int, list[str]]] = []
        self._forgotten: list[str] = []

    def signal(self, token: str, number: int) -> None:
        """Signal the main process of a launch."""
        if not self._ends:
            self._loop.call_soon(self.flush)
        if not self._ends or self._ends[-1][0] != number or len(self._ends[-1][1]) >= MOST:
            self._ends.append((number, []))
        self._ends[-1][1].append(token)

    def kill(self, token: str) -> None:
        """SIGKILL to all that is left of a launch."""
        self.signal(token, _KILL)

    def flush(self) -> None:
        """Ask for the signals and kills that were given so far."""
        ends, self._ends = self._ends, []
        for number, tokens in ends:
            self._errands.give(partial(_end, tokens, number), urgent=True)

    def forget(self, token: str) -> None:
        """Its exit is stored."""
        self._forgotten.append(token)
        if len(self._forgotten) == 1:
            self._loop.call_soon(self._forget)

    def clear(self) -> None:
        """Ask for nothing that was given so far."""
        self._ends.clear()
        self._forgotten.clear()

    def _forget(self) -> None:
        tokens, self._forgotten = self._forgotten, []
        for begin in range(0, len(tokens), MOST):
            self._errands.give(partial(_forget, tokens[begin : begin + MOST]))


def _end(tokens: list[str], number: int, remote: Spawner) -> Promise[None]:
    return remote.kill(tokens) if number == _KILL else remote.signal_all(tokens, number)


def _forget(tokens: list[str], remote: Spawner) -> Promise[None]:
    return remote.forget(tokens)
