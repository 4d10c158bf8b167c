"""What was answered under idempotency keys: a call that is asked again is not done again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from snowfox.errors import PeerError

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
        """What the handler answers, or answered before, or raises. Cancelling the wait does not cancel the handler.

        Raises PeerError when too many are under way.
        """
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST:
                self._drop_old()
            known = self._known[key] = asyncio.ensure_future(_done(handler, arguments))
            known.add_done_callback(_seen)
        return await asyncio.shield(known)

    def _drop_old(self) -> None:
        """Raises PeerError when all are still being done."""
        for key, future in self._known.items():
            if future.done():
                del self._known[key]
                return
        raise PeerError(f"cannot begin: {MOST} requests with keys are under way", "try again later")


async def _done(handler: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    value = handler(*arguments)
    return await value if hasattr(value.__class__, "__await__") else value


def _seen(future: asyncio.Future[Any]) -> None:
    """Its error is the answer, also when nobody waits any more."""
    if not future.cancelled():
        future.exception()
