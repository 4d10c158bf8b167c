"""The sessions of a loop, for whoever looks: `snowfox links`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from snowfox.core.named import NamedTuple
from snowfox.core.rpc.of_loop import of_loop
from snowfox.core.rpc.serving import Caller
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.rpc.link import Link

ANSWERED_WITHIN: Final[Seconds] = 0.5
"""How long a ping of `Links.look` may take."""


class LinkFigures(NamedTuple):
    """A session, as it is listed.

    Args:
        name: of the other end, as we call it.
        caller: who is there.
        serves: the interface that the other end serves; "" for none.
        calls: the interface that it calls here; "" for none.
        asked: calls of ours that are under way.
        owed: calls of the other end that are under way here.
        round_trip: seconds of the last ping that was answered; None where none was.
        received: bytes that came.
        sent: bytes that went.
        reconnects: sessions with the same end that were lost before.
        age: seconds since it began.
    """

    name: str
    caller: Caller
    serves: str
    calls: str
    asked: int
    owed: int
    round_trip: Seconds | None
    received: int
    sent: int
    reconnects: int
    age: Seconds


class Links:
    """Knows the open sessions of one loop, in the order in which they began."""

    def __init__(self) -> None:
        self._open: dict[Link[Any], None] = {}

    @staticmethod
    def instance() -> Links:
        """The one of the running loop. Raises RuntimeError without one."""
        return of_loop("links", Links)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def add(self, link: Link[Any]) -> None:
        """One began."""
        self._open[link] = None

    def discard(self, link: Link[Any]) -> None:
        """One is over. A second time is fine."""
        self._open.pop(link, None)

    async def look(self, *, within: Seconds = ANSWERED_WITHIN) -> list[LinkFigures]:
        """Ping all at once, wait at most so many seconds, and tell how they are: those that are still open."""
        links = list(self._open)
        waits = [asyncio.ensure_future(link.ping()) for link in links]
        if waits:
            _, late = await asyncio.wait(waits, timeout=within)
            for wait in late:
                wait.cancel()
        return [link.figures() for link in links if link.is_open]
