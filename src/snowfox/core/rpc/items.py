"""The client's end of a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from snowfox.core.rpc.requests import close_in
from snowfox.errors import SnowFoxError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from snowfox.core.rpc.asking import Asking
    from snowfox.core.rpc.interface import Method

T = TypeVar("T")


class Items(Generic[T]):
    """The client's end of a stream: `async with manager.follow("web") as lines: async for line in lines`.

    Leaving the block cancels it, and closes descriptors in items that nobody read. A reader that is slow slows down who sends, and nobody else: at most
    `frame.WINDOW` bytes of items wait for it here.

    Args:
        asking: the session, or what finds one once the stream is read.
        method: what is asked for.
        values: its arguments.
    """

    def __init__(
        self,
        asking: Asking | Callable[[], Awaitable[Asking]],
        method: Method[Any, Any],
        values: tuple[Any, ...],
    ) -> None:
        self._asking: Asking | None = None if callable(asking) else asking
        self._find = asking if callable(asking) else None
        self._method = method
        self._values = values
        self._request: int | None = None
        self._items: deque[tuple[T, int]] = deque()
        self._error: SnowFoxError | None = None
        self._finished = False
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._request is not None and self._asking is not None:
            self._asking.close_stream(self._request)
        while self._items:
            close_in(self._items.popleft()[0])
        self.finish(self._error)

    def __aiter__(self) -> Self:
        if self._asking is not None:
            self._open(self._asking)
        return self

    async def __anext__(self) -> T:
        """The next item. Raises what the other end raised, ConnectionLost."""
        if self._request is None:
            await self._begin()
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._finished:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        value, size = self._items.popleft()
        if self._request is not None and self._asking is not None and not self._finished:
            self._asking.took(self._request, size)
        return value

    def put(self, value: T, size: int) -> None:
        """An item of so many bytes came."""
        self._items.append((value, size))
        self._arrived.set()

    def finish(self, error: SnowFoxError | None) -> None:
        """The end came."""
        self._error = error
        self._finished = True
        self._arrived.set()

    async def _begin(self) -> None:
        if self._asking is None and self._find is not None:
            self._asking = await self._find()
        if self._asking is not None:
            self._open(self._asking)

    def _open(self, asking: Asking) -> None:
        if self._request is None:
            self._request = asking.open_stream(self._method, self._values, self)
