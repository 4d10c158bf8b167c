"""What was answered under idempotency keys: a call that is asked again is not done again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

Key = tuple[str, str, str]
"""Who asks, the full name of the method, the key."""

MOST: Final = 10_000
"""Answers that are kept; the oldest goes."""


class Answers:
    """The answers to keys, for as long as there are not too many newer ones.

    What is done under a key goes on when the session of who asked is lost: who asks again gets what comes of it.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Key, asyncio.Future[Any]] = OrderedDict()

    async def once(self, key: Key, handler: Callable[..., Any], *arguments: Any) -> Any:
        """What the handler answers, or answered before, or raises. Cancelling the wait does not cancel the handler."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = asyncio.ensure_future(_done(handler, arguments))
            known.add_done_callback(_seen)
            self._drop_old()
        return await asyncio.shield(known)

    def _drop_old(self) -> None:
        while len(self._known) > MOST:
            oldest, future = next(iter(self._known.items()))
            if not future.done():
                return
            del self._known[oldest]


async def _done(handler: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    value = handler(*arguments)
    return await value if hasattr(value.__class__, "__await__") else value


def _seen(future: asyncio.Future[Any]) -> None:
    """Its error is the answer, also when nobody waits any more."""
    if not future.cancelled():
        future.exception()
