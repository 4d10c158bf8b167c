"""Questions to the spawner, whose answers somebody waits for: asked again after a session was lost, but not for ever.

What a spawner finds malformed ends its session; that should never be, and when it is, it must not keep all others from
theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from snowfox.contract.spawner import Spawner
from snowfox.contract.start import HOME, NODE_LOG
from snowfox.errors import ConnectionLost, DeadlineExceeded, RemoteError
from snowfox.values import Seconds

Answer = TypeVar("Answer")

MOST_TRIES: Final = 5
"""Sessions that one request may outlive."""
_ANSWER_WITHIN: Final[Seconds] = 60.0


class Tries:
    """Counts the sessions that ended while a request was under way."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def failed(self) -> RemoteError | None:
        """Another one did; of the last, the error that the request ends with."""
        self._count += 1
        if self._count < MOST_TRIES:
            return None
        return RemoteError(
            f"cannot ask the spawner: {self._count} sessions with it ended meanwhile",
            f"see {HOME}/{NODE_LOG}",
        )


class Questions:
    """Asks the spawner of now, or waits for one.

    Args:
        loop: to wait in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrival: asyncio.Future[Spawner] = loop.create_future()

    def begin(self, remote: Spawner) -> None:
        """There is a session; one before is not asked any more."""
        if self._arrival.done():
            self._arrival = self._loop.create_future()
        self._arrival.set_result(remote)

    def pause(self, remote: Spawner) -> None:
        """A session ended."""
        if self._arrival.done() and self._arrival.result() is remote:
            self._arrival = self._loop.create_future()

    def close(self) -> None:
        """Whoever waits is cancelled."""
        self._arrival.cancel()

    async def ask(self, question: Callable[[Spawner], Awaitable[Answer]]) -> Answer:
        """The answer. Raises what the spawner does, DeadlineExceeded when none comes, RemoteError when it ends them all."""
        tries = Tries()
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                while True:
                    remote = await asyncio.shield(self._arrival)
                    try:
                        return await question(remote)
                    except ConnectionLost:
                        self.pause(remote)
                        if (error := tries.failed()) is not None:
                            raise error from None
        except TimeoutError:
            msg = "cannot ask the spawner: it did not come back in time"
            raise DeadlineExceeded(msg) from None
