"""A session over a non-blocking socket, for a loop that polls. No asyncio: for daemon and spawner.

The loop waits for `socket`, and for writing where `wants_write`; it calls `receive` when it is readable, and once at
the end of each turn `tick` and `flush`. What is asked and answered in a turn goes out with one write.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from snowfox.core.rpc import frame
from snowfox.core.rpc.form import check
from snowfox.core.rpc.outbox import MOST_UNSENT
from snowfox.core.rpc.session import Happening, Options, Session
from snowfox.errors import ConnectionLost, DeadlineExceeded, PosixError, ProtocolError, SnowFoxError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.clock import Clock
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.interface import Interface, Method

__all__ = ["Channel", "Options"]


class Channel:
    """See the module.

    Args:
        posix: the kernel.
        socket: a connected, non-blocking unix stream socket; the channel's from now on.
        clock: for deadlines and silence.
        serving: what the other end may call here; None: nothing.
        calling: what we call there; None: nothing. For the reader: it is not checked.
        options: see `Options`.

    Raises InternalError for a type in what is served that cannot travel.
    """

    def __init__(
        self,
        posix: Posix,
        socket: int,
        *,
        clock: Clock,
        serving: type[Interface] | None,
        calling: type[Interface] | None,
        options: Options,
    ) -> None:
        if serving is not None:
            check(serving)
        self.socket = socket
        self.calling = calling
        self._posix = posix
        self._clock = clock
        self._session = Session(clock.now(), options, serving=serving, posix=posix)
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether the session is over; `close` is still owed."""
        return self._session.ended

    @property
    def greeted(self) -> bool:
        """Whether the other end has said who it is."""
        return self._session.greeted

    @property
    def wants_write(self) -> bool:
        """Whether to `flush` when the socket becomes writable."""
        return self._session.outbox.is_blocked and not self._session.ended

    def receive(self) -> list[Happening]:
        """Read what is there. To be called when the socket is readable."""
        happenings: list[Happening] = []
        for _ in range(frame.MOST_READS):
            if self._session.ended:
                break
            try:
                got = self._posix.sockets.receive(self.socket, frame.READ, most=frame.MOST_DESCRIPTORS)
            except PosixError as error:
                happenings += self._session.lost(ConnectionLost(str(error)))
                break
            if got is None:
                break
            if got.truncated:
                for number in got.descriptors:
                    self._posix.files.close(number)
                happenings += self._session.lost(
                    ProtocolError("descriptors were lost: too many are open here")
                )
                break
            if not got.data:
                happenings += self._session.lost(None)
                break
            happenings += self._session.receive(got.data, got.descriptors, self._clock.now())
            if len(got.data) < frame.READ and not got.descriptors:
                break
        if self._session.ended:
            self._send_last()
        return happenings

    def flush(self) -> list[Happening]:
        """Send what waits. [], or what the other end said last and the end of the session."""
        if self._session.ended:
            return []
        try:
            self._session.outbox.send(self._posix, self.socket)
        except PosixError as error:
            # The other end left; what it said before may tell why.
            return [*self.receive(), *self._session.lost(ConnectionLost(str(error)))]
        if self._session.outbox.size > MOST_UNSENT:
            return self._session.lost(DeadlineExceeded("the other end does not read"))
        return []

    def call(self, method: Method[Any, Any], *arguments: object, deadline: Seconds | None = None) -> int:
        """Ask; sent at the next `flush`. Returns the request's number. Raises as `Session.call`.

        Args:
            method: what to call.
            arguments: its arguments, in order; descriptors are given away.
            deadline: seconds that it may take; None: what the method says.
        """
        return self._session.call(method, method.bind(arguments, {}), self._clock.now(), deadline=deadline)

    def answer(self, request: int, value: object) -> None:
        """Answer a request; in vain when it was withdrawn."""
        self._session.answer(request, value)

    def refuse(self, request: int, error: SnowFoxError) -> None:
        """Answer a request with an error; in vain when it was withdrawn."""
        self._session.refuse(request, error)

    def item(self, request: int, value: object) -> bool:
        """An item of a stream; False when it is no longer wanted. Who sends many looks at `unsent` in between."""
        return self._session.item(request, value)

    def end(self, request: int) -> None:
        """A stream is at its end; in vain when it was withdrawn."""
        self._session.end(request)

    def may_send(self, request: int) -> bool:
        """Whether another item of a stream may be sent now, or the stream is over; else `Credited` comes."""
        return self._session.may_send(request)

    def took(self, request: int, size: int) -> None:
        """Somebody read an item of this size of a stream of ours; told with the next `flush`."""
        self._session.took(request, size)

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return self._session.outbox.size

    def cancel(self, request: int) -> None:
        """A call of ours is no longer wanted; nothing more is heard of it."""
        self._session.cancel(request)

    def tick(self) -> list[Happening]:
        """Deadlines and silence."""
        return self._session.tick(self._clock.now())

    def next_tick(self) -> Seconds | None:
        """The monotonic time at which `tick` has something to do; None: never."""
        return self._session.next_tick()

    def close(self) -> None:
        """Say goodbye where that is possible at once, and close the socket. A second time is fine."""
        if self._closed:
            return
        self._closed = True
        self._session.goodbye()
        self._send_last()
        self._session.close()
        self._posix.files.close(self.socket)

    def _send_last(self) -> None:
        # An error means that the other end is gone already, which is why the session is over.
        with suppress(PosixError):
            self._session.outbox.send(self._posix, self.socket)
