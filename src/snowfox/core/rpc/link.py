"""A session in an asyncio loop: deadlines, promises, handlers. Common to client and server.

A `carrier` moves its bytes. What is said in a turn of the loop goes out with one write. One timer for all deadlines, armed
only while there are some. Handlers are run by `serving`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar, assert_never, cast

from snowfox.core import log
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.alarm import Alarm
from snowfox.core.rpc.answers import Answers
from snowfox.core.rpc.asking import Asking
from snowfox.core.rpc.carrier import Carrier
from snowfox.core.rpc.handlers import Handlers
from snowfox.core.rpc.interface import Interface
from snowfox.core.rpc.links import LinkFigures, Links
from snowfox.core.rpc.outbox import MOST_UNSENT
from snowfox.core.rpc.serving import Caller, Serving, current
from snowfox.core.rpc.session import (
    Answered,
    Called,
    Credited,
    Ended,
    Failed,
    Happening,
    Item,
    Leaving,
    Options,
    Session,
    StreamEnded,
    Withdrawn,
)
from snowfox.errors import (
    ConnectionLost,
    DeadlineExceeded,
    ProtocolError,
    SnowFoxError,
)

__all__ = ["Caller", "Handlers", "Link", "current"]

I = TypeVar("I", bound=Interface)  # noqa: E741 - an interface


_log = log.get("rpc")

_MISBEHAVED: Final = (ProtocolError, DeadlineExceeded)
"""Ends of a session that the other end is to blame for: it broke the protocol, was silent, or does not read."""


class Link(Generic[I]):
    """One session; made by `client.attach`, `client.connect` and `server.serve`.

    Args:
        posix: the kernel; closes descriptors.
        carrier: what moves its bytes; the link's from now on.
        clock: for deadlines and silence, the time of the running loop.
        options: see `session.Options`.
        serving: what the other end may call.
        handlers: what serves it.
        calling: what the other end offers.
        caller: who is there.
        answers: what was answered to idempotency keys.

    Attributes:
        remote: what the other end offers.
        reconnects: sessions with the same end that were lost before, as whoever made them counts.
    """

    def __init__(  # noqa: PLR0913 - the parts of a conversation
        self,
        posix: Posix,
        carrier: Carrier,
        *,
        clock: Clock,
        options: Options,
        serving: type[Interface] | None = None,
        handlers: Handlers | None = None,
        calling: type[I] | None = None,
        caller: Caller = Caller(None),  # noqa: B008 - frozen
        answers: Answers | None = None,
    ) -> None:
        self._carrier = carrier
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._session = Session(clock.now(), options, serving=serving, posix=posix)
        self._serving = Serving(
            self._session, handlers or {}, caller, soon=self._soon, answers=answers or Answers()
        )
        self.asking = Asking(
            self._session,
            clock,
            soon=self._soon,
            ahead=self._ahead,
        )
        self._name = options.name
        self._caller = caller
        self._serves = "" if calling is None else calling.__name__
        self._calls = "" if serving is None else serving.__name__
        self._began = clock.now()
        self.reconnects = 0
        self._flushing = False
        self._alarm = Alarm(self._loop, self._ticked)
        self._closed: asyncio.Future[SnowFoxError | None] = self._loop.create_future()
        self._listeners: list[Callable[[], object]] = []
        self._leaving: list[Callable[[], object]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self.remote: I = cast("I", (calling or Interface)(self.asking.bind))
        self._links = Links.instance()
        self._links.add(self)
        carrier.begin(self)
        self._alarm.set(self._session.next_tick())
        self._soon()

    @property
    def is_open(self) -> bool:
        """Whether the session goes on."""
        return not self._closed.done()

    def when_closed(self, listener: Callable[[], object]) -> None:
        """Call it once the session is over."""
        self._listeners.append(listener)

    def when_leaving(self, listener: Callable[[], object]) -> None:
        """Call it once the other end takes no more requests."""
        self._leaving.append(listener)

    async def greeted(self) -> None:
        """Wait until the other end said who it is. Raises what ended the session before that."""
        await self._until(lambda: self._session.greeted)
        if not self.is_open:  # greeted, and refused with the next word
            raise self._closed.result() or ConnectionLost("the other end went away")

    async def finish(self) -> None:
        """Ask for no more requests, and wait until those that there are were answered, or the session ended."""
        self._session.drain()
        self._soon()
        await self._until(lambda: not self._session.requests)

    async def ping(self) -> None:
        """Measure the round trip anew; returns also when the session ended."""
        self._session.pulse.ping(self._clock.now())
        self._soon()
        await self._until(lambda: not self._session.pulse.is_measuring)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so, or the session ended; looked at whenever something was heard or sent."""
        while self.is_open and not is_so():
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(waiter)
            await waiter

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def figures(self) -> LinkFigures:
        """How it is now."""
        session = self._session
        return LinkFigures(
            self._name,
            self._caller,
            self._serves,
            self._calls,
            len(session.calls),
            len(session.requests),
            session.pulse.round_trip,
            session.pulse.received,
            session.outbox.gone,
            self.reconnects,
            self._clock.now() - self._began,
        )

    async def closed(self) -> SnowFoxError | None:
        """Wait for the end of the session: its error, or None where the other end left in order."""
        return await asyncio.shield(self._closed)

    def close(self, why: SnowFoxError | None = None) -> None:
        """End the session: what is under way is rejected with `ConnectionLost`, handlers are cancelled.

        Args:
            why: what the other end is told; None: we leave in order.
        """
        if self.is_open:
            self._session.goodbye(why)
            self._happened(self._session.lost(None))

    # --- moving bytes

    def heard(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        """Bytes came; told by the carrier."""
        session = self._session
        was_asked = session.pulse.is_asked
        self._happened(session.receive(data, descriptors, self._clock.now()))
        if session.outbox.size:
            # At once, with one write for all that was heard: another turn of the loop would cost as much as the call.
            self._flush()
        if was_asked:  # it lives: from now on its silence is measured anew
            self._alarm.set(session.next_tick())
        if self._waiting:
            self._wake()

    def lost(self, error: SnowFoxError | None) -> None:
        """The transport is at its end; told by the carrier."""
        self._happened(self._session.lost(error))

    def drained(self) -> None:
        """There is room again; told by the carrier."""
        self._flush()

    def _soon(self) -> None:
        if not self._flushing and self.is_open:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _ahead(self) -> None:
        outbox = self._session.outbox
        self._carrier.send_ahead(outbox)
        if outbox.size:
            self._soon()
        if self._session.soonest < self._alarm.at:
            self._alarm.set(self._session.next_tick())

    def _flush(self) -> None:
        self._flushing = False
        if not self.is_open:
            return
        outbox = self._session.outbox
        self._carrier.send(outbox)
        if not self.is_open:
            return
        if outbox.size > MOST_UNSENT:
            self._happened(self._session.lost(DeadlineExceeded("the other end does not read")))
        else:
            self._serving.sent()
        if self._waiting:
            self._wake()
        if self._session.soonest < self._alarm.at or outbox.is_blocked:
            self._alarm.set(self._session.next_tick())

    def _ticked(self) -> None:
        self._happened(self._session.tick(self._clock.now()))
        if self.is_open:
            self._flush()
            self._alarm.set(self._session.next_tick())

    # --- what happens

    def _happened(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            if isinstance(happening, Called):
                self._serving.serve(happening)
            elif isinstance(happening, Answered):
                self.asking.answered(happening)
            else:
                self._went_on(happening)

    def _went_on(
        self, happening: Failed | Item | StreamEnded | Withdrawn | Credited | Leaving | Ended
    ) -> None:
        match happening:
            case Failed() | Item() | StreamEnded():
                self.asking.went_on(happening)
            case Withdrawn(request):
                self._serving.withdraw(request)
            case Credited(request):
                self._serving.credited(request)
            case Leaving():
                for listener in self._leaving:
                    listener()
            case Ended(error):
                self._over(error)
            case _:
                assert_never(happening)

    def _over(self, error: SnowFoxError | None) -> None:
        if self._closed.done():
            return
        self._carrier.end(self._session.outbox)
        self._alarm.stop()
        self._serving.stop()
        self._session.close()
        if isinstance(error, _MISBEHAVED):
            kind = type(error).__name__
            _log.warning("a session ended", link=self._name, kind=kind, error=str(error))
        self._closed.set_result(error)
        self._wake()
        self._links.discard(self)
        for listener in self._listeners:
            listener()
