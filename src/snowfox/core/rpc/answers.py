"""What was answered under idempotency keys: a call that is asked again is not done again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from snowfox.errors import PeerError, SnowFoxError

Key = tuple[str, str, str]
"""Who asks, the full name of the method, the key."""

MOST: Final = 10_000
"""Answers that are kept; the oldest goes."""

MOST_BYTES: Final = 16 << 20
"""Bytes of those, about; the oldest go."""

_ITEM: Final = 64
"""Bytes that a value takes beside its text, about."""


class Answers:
    """The answers to keys, for as long as there are not too many newer ones, or too large ones.

    What is done under a key goes on when the session of who asked is lost: who asks again gets what comes of it.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Key, asyncio.Future[Any]] = OrderedDict()
        self._sizes: OrderedDict[Key, int] = OrderedDict()
        self._size = 0

    async def once(self, key: Key, handler: Callable[..., Any], *arguments: Any) -> Any:
        """What the handler answers, or answered before, or raises. Cancelling the wait does not cancel the handler.

        Raises PeerError when too many are under way.
        """
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST:
                self._make_room()
            known = self._known[key] = asyncio.ensure_future(_made(handler, arguments))
            known.add_done_callback(partial(self._done, key))
        answer = await asyncio.shield(known)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _done(self, key: Key, future: asyncio.Future[Any]) -> None:
        size = self._sizes[key] = _size(key) + (0 if future.cancelled() else _size(future.result()))
        self._size += size
        while self._size > MOST_BYTES:
            self._drop_oldest()

    def _make_room(self) -> None:
        """Raises PeerError when all are still being done."""
        if not self._sizes:
            raise PeerError(f"cannot begin: {MOST} requests with keys are under way", "try again later")
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, size = self._sizes.popitem(last=False)
        self._size -= size
        del self._known[key]


async def _made(handler: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What the handler answers, or the error that it raises: that is an answer as well."""
    try:
        value = handler(*arguments)
        return await value if hasattr(value.__class__, "__await__") else value
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)


def _size(value: object) -> int:
    """Bytes that a value takes, about."""
    if isinstance(value, SnowFoxError):
        value = value.fields()
    if isinstance(value, (str, bytes)):
        return _ITEM + len(value)
    if isinstance(value, dict):
        return _size(list(value.items()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - messages hold plain values
    if isinstance(value, (tuple, list)):
        return _ITEM + sum(map(_size, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - messages hold plain values
    return _ITEM
