"""The other end is in this process: `here:NAME`, served and called in one running loop without a socket.

The sessions are the same as over a socket, and so are the bytes: what one end changes after it was sent the other one does
not see, and an interface that works here works anywhere. Only how bytes move differs: each chunk is heard in the loop's next turn.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from snowfox.core.posix.api import Credentials
from snowfox.core.rpc.carrier import Carrier, Hears
from snowfox.core.rpc.listening import Admit, Listening
from snowfox.core.rpc.of_loop import of_loop
from snowfox.core.rpc.serving import Caller
from snowfox.errors import ConnectionLost, UsageError

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.outbox import Outbox


class HereCarrier(Carrier):
    """One of two ends; both begin in the turn of the loop in which they are joined.

    Args:
        posix: the kernel; closes descriptors that come when nobody hears any more.
    """

    passes = True

    def __init__(self, posix: Posix) -> None:
        self._posix = posix
        self._loop = asyncio.get_running_loop()
        self._hears: Hears | None = None
        self._other = self

    def join(self, other: HereCarrier) -> None:
        """Each hears the other from now on."""
        self._other, other._other = other, self

    def begin(self, hears: Hears) -> None:  # noqa: D102
        self._hears = hears

    def send(self, outbox: Outbox) -> None:  # noqa: D102
        while (chunk := outbox.take()) is not None:
            self._loop.call_soon(self._other._heard, *chunk)  # noqa: SLF001 - of one class

    def send_ahead(self, outbox: Outbox) -> None:  # noqa: D102
        pass  # the other end has no processor of its own to begin with

    def end(self, outbox: Outbox) -> None:  # noqa: D102
        self.send(outbox)
        self._hears = None
        self._loop.call_soon(self._other._left)  # noqa: SLF001 - of one class

    def _heard(self, data: bytearray, descriptors: tuple[int, ...]) -> None:
        if self._hears is not None:
            self._hears.heard(bytes(data), descriptors)
            return
        for number in descriptors:
            self._posix.files.close(number)

    def _left(self) -> None:
        if self._hears is not None:
            self._hears.lost(None)


class HereListening(Listening):
    """Takes who connects to `here:NAME` in the running loop.

    Args:
        posix: the kernel.
        name: what stands behind `here:`.
    """

    is_near = True

    def __init__(self, posix: Posix, name: str) -> None:
        self._posix = posix
        self._name = name
        self._names = _names()
        self._admit: Admit | None = None

    async def begin(self, admit: Admit) -> None:
        """Raises UsageError when something else is served under this name."""
        if self._name in self._names:
            raise UsageError(f"cannot serve here:{self._name}: something else is", "take another name")
        self._names[self._name] = self
        self._admit = admit

    def stop(self) -> None:  # noqa: D102
        if self._names.get(self._name) is self:
            del self._names[self._name]

    def connect(self) -> HereCarrier:
        """The end of who connects; the other one was admitted, as of this process's user."""
        ours, theirs = HereCarrier(self._posix), HereCarrier(self._posix)
        ours.join(theirs)
        own = self._posix.own
        ids = own.ids()
        if self._admit is not None:
            self._admit(theirs, Caller(Credentials(own.pid(), ids.uid, ids.gid)))
        return ours


def connected(name: str) -> HereCarrier:
    """Connect to what is served as `here:NAME` in the running loop. Raises ConnectionLost."""
    found = _names().get(name)
    if found is None:
        raise ConnectionLost(f"cannot connect to here:{name}: nothing is served there in this loop")
    return found.connect()


def _names() -> dict[str, HereListening]:
    """What is served in the running loop. Raises RuntimeError without one."""
    return of_loop("here", dict[str, HereListening])
