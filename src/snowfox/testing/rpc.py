"""Two RPC sessions joined in memory, with time and the cuts of the pipe in the test's hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from snowfox.core.posix.api import Posix
from snowfox.core.rpc.happening import Happening
from snowfox.core.rpc.interface import Descriptor, Interface, Method, Right, call, stream
from snowfox.core.rpc.session import Options, Session
from snowfox.values import Seconds

QUIET: Final = Options("test", ping_after=None, dead_after=None, rights=Right.ALL)
"""No pings, all rights."""

AWAY: Final = 1000
"""A descriptor that is sent arrives as this much more."""


class Shop(Interface):
    """Something to call."""

    @call(right=Right.READ)
    def price(self, name: str, count: int = 1) -> int:  # pyright: ignore[reportReturnType] - a declaration
        """A number."""

    @stream(right=Right.READ)
    def sales(self, name: str) -> str:  # pyright: ignore[reportReturnType] - a declaration
        """Texts."""

    @call(deadline="2s")
    def give(self, thing: Descriptor) -> Descriptor | None:
        """A descriptor there, perhaps one back."""

    @call(right=Right.ADMIN)
    def close_down(self) -> None:
        """Needs a right."""


class Kernel:
    """A kernel that only closes, once each, and takes what is sent up to `room` bytes."""

    def __init__(self) -> None:
        self.files = self.sockets = self
        self.closed: list[int] = []
        self.sent: list[tuple[bytes, tuple[int, ...]]] = []
        self.room = 1 << 30

    @property
    def posix(self) -> Posix:
        """It, as sessions want it: of all groups they use these two calls."""
        return cast("Posix", self)

    def close(self, number: int) -> None:
        """Note it. Raises AssertionError for one that was closed already."""
        if number in self.closed:
            msg = f"{number} was closed twice"
            raise AssertionError(msg)
        self.closed.append(number)

    def send(
        self,
        socket: int,  # noqa: ARG002 - as posix has it
        data: bytes | memoryview,
        descriptors: tuple[int, ...] = (),
    ) -> int | None:
        """Take what there is room for; None for nothing."""
        if self.room <= 0:
            return None
        count = min(self.room, len(data))
        self.room -= count
        self.sent.append((bytes(data[:count]), descriptors))
        return count


def _whole(data: bytes) -> list[bytes]:
    return [data]


class Pair:
    """A caller and a server with a pipe between them that cuts where it is told.

    Args:
        options: of the server.
        serving: what it serves.
    """

    def __init__(self, *, options: Options = QUIET, serving: type[Interface] | None = Shop) -> None:
        self.kernel = Kernel()
        self.now: Seconds = 100.0
        self.caller = Session(self.now, QUIET, serving=None, posix=self.kernel.posix)
        self.server = Session(self.now, options, serving=serving, posix=self.kernel.posix)
        self.heard: list[Happening] = []
        self.asked: list[Happening] = []

    def carry(self, cut: Callable[[bytes], list[bytes]] = _whole) -> None:
        """Move all bytes both ways until nothing moves."""
        moved = True
        while moved:
            moved = self._carry(self.caller, self.server, self.asked, cut)
            moved = self._carry(self.server, self.caller, self.heard, cut) or moved

    def call(self, method: Method[Any, Any], *values: object, deadline: Seconds | None = None) -> int:
        """Ask as the caller."""
        return self.caller.call(method, values, self.now, deadline=deadline)

    def pass_time(self, seconds: Seconds) -> None:
        """Let both ends look at the time."""
        self.now += seconds
        self.heard.extend(self.caller.tick(self.now))
        self.asked.extend(self.server.tick(self.now))

    def _carry(
        self, source: Session, target: Session, out: list[Happening], cut: Callable[[bytes], list[bytes]]
    ) -> bool:
        wire = Kernel()
        if not source.outbox.size:
            return False
        source.outbox.send(wire.posix, 0)
        for data, descriptors in wire.sent:
            for index, piece in enumerate(cut(data)):
                given = tuple(number + AWAY for number in descriptors) if index == 0 else ()
                out.extend(target.receive(piece, given, self.now))
        return True
