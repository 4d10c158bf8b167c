"""A session in an asyncio loop: deadlines, promises, handlers. Common to client and server.

A `carrier` moves its bytes. What is said in a turn of the loop goes out with one write. One timer for all deadlines, armed
only while there are some. Handlers are run by `serving`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Generic, TypeVar, assert_never, cast

from snowfox.core import deadline as deadlines
from snowfox.core import log
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.core.promise import Promise, Resolver
from snowfox.core.rpc.carrier import Carrier
from snowfox.core.rpc.interface import Interface, Method
from snowfox.core.rpc.items import Items
from snowfox.core.rpc.outbox import MOST_UNSENT
from snowfox.core.rpc.requests import close_in
from snowfox.core.rpc.serving import Caller, Handlers, Serving, current
from snowfox.core.rpc.session import (
    Answered,
    Called,
    Credited,
    Ended,
    Failed,
    Happening,
    Item,
    Options,
    Session,
    StreamEnded,
    Withdrawn,
)
from snowfox.errors import (
    ConnectionLost,
    ProtocolError,
    SnowFoxError,
)

__all__ = ["Caller", "Handlers", "Link", "current"]

I = TypeVar("I", bound=Interface)  # noqa: E741 - an interface


_log = log.get("rpc")


_make: Final[Callable[..., tuple[Promise[Any], Resolver[Any]]]] = Promise.make


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
    ) -> None:
        self._carrier = carrier
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._session = Session(clock.now(), options, serving=serving, posix=posix)
        self._serving = Serving(self._session, handlers or {}, caller, soon=self._soon)
        self._name = options.name
        self._asked: dict[int, Resolver[Any]] = {}
        self._streams: dict[int, Items[Any]] = {}
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[SnowFoxError | None] = self._loop.create_future()
        self._listeners: list[Callable[[], object]] = []
        self.remote: I = cast("I", (calling or Interface)(self._bind))
        carrier.begin(self)
        self._soon()

    @property
    def is_open(self) -> bool:
        """Whether the session goes on."""
        return not self._closed.done()

    def when_closed(self, listener: Callable[[], object]) -> None:
        """Call it once the session is over."""
        self._listeners.append(listener)

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

    # --- calling

    def _bind(self, method: Method[Any, Any]) -> Callable[..., Any]:
        if method.is_stream:
            return lambda *values, **named: Items[Any](self, method, method.bind(values, named))
        return lambda *values, **named: self._call(method, method.bind(values, named))

    def _call(self, method: Method[Any, Any], values: tuple[Any, ...]) -> Promise[Any]:
        now = self._clock.now()
        left = method.deadline
        if left is not None:
            left = max(0.0, min(left, deadlines.current() - now))
        try:
            request = self._session.call(method, values, now, deadline=left)
        except ConnectionLost as error:
            return Promise[Any].failed(error, method.full_name)
        # The session keeps the deadline; the promise's own is only the net below it.
        promise, resolver = _make(method.full_name, deadline=now + (left or 0.0) + 1.0, depth=3)
        self._asked[request] = resolver
        promise.when_settled(partial(self._settled, request))
        self._soon()
        self._carrier.send_ahead(self._session.outbox)
        return promise

    def _settled(self, request: int, _: Promise[Any]) -> None:
        """Whoever asked no longer wants it: so the other end need not go on."""
        if self._asked.pop(request, None) is not None:
            self._session.cancel(request)
            self._soon()

    def open_stream(self, method: Method[Any, Any], values: tuple[Any, ...], items: Items[Any]) -> int:
        """Ask for a stream. Raises ConnectionLost."""
        now = self._clock.now()
        until = deadlines.current()
        left = method.deadline if until == deadlines.NO_END else until - now
        request = self._session.call(method, values, now, deadline=left)
        self._streams[request] = items
        self._soon()
        return request

    def close_stream(self, request: int) -> None:
        """It is no longer wanted."""
        if self._streams.pop(request, None) is not None:
            self._session.cancel(request)
            self._soon()

    def took(self, request: int, size: int) -> None:
        """An item of this size was read."""
        self._session.took(request, size)
        if self._session.outbox.size:
            self._soon()

    # --- moving bytes

    def heard(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        """Bytes came; told by the carrier."""
        self._happened(self._session.receive(data, descriptors, self._clock.now()))

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

    def _flush(self) -> None:
        self._flushing = False
        if not self.is_open:
            return
        outbox = self._session.outbox
        self._carrier.send(outbox)
        if not self.is_open:
            return
        if outbox.size > MOST_UNSENT:
            self._happened(self._session.lost(ConnectionLost("the other end does not read")))
        else:
            self._serving.sent()
        self._arm()

    def _arm(self) -> None:
        when = self._session.next_tick()
        if self._timer is not None:
            if when is not None and self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = None if when is None else self._loop.call_at(when, self._ticked)

    def _ticked(self) -> None:
        self._timer = None
        self._happened(self._session.tick(self._clock.now()))
        if self.is_open:
            self._flush()

    # --- what happens

    def _happened(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            if isinstance(happening, Called):
                self._serving.serve(happening)
            elif isinstance(happening, Answered):
                self._answered(happening.request, happening.value)
            else:
                self._went_on(happening)
        if self._session.outbox.size and self.is_open:
            self._soon()

    def _went_on(self, happening: Failed | Item | StreamEnded | Withdrawn | Credited | Ended) -> None:
        match happening:
            case Failed(request, error):
                self._failed(request, error)
            case Item(request, value, size):
                if (items := self._streams.get(request)) is None:
                    close_in(value)
                else:
                    items.put(value, size)
            case StreamEnded(request):
                if (items := self._streams.pop(request, None)) is not None:
                    items.finish(None)
            case Withdrawn(request):
                self._serving.withdraw(request)
            case Credited(request):
                self._serving.credited(request)
            case Ended(error):
                self._over(error)
            case _:
                assert_never(happening)

    def _answered(self, request: int, value: Any) -> None:
        resolver = self._asked.pop(request, None)
        if resolver is None or not resolver.resolve(value):
            close_in(value)

    def _failed(self, request: int, error: SnowFoxError) -> None:
        if (resolver := self._asked.pop(request, None)) is not None:
            resolver.reject(error)
        elif (items := self._streams.pop(request, None)) is not None:
            items.finish(error)

    def _over(self, error: SnowFoxError | None) -> None:
        if self._closed.done():
            return
        self._carrier.end(self._session.outbox)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._serving.stop()
        self._session.close()
        if isinstance(error, ProtocolError):
            _log.warning("a session ended", link=self._name, error=str(error))
        self._closed.set_result(error)
        for listener in self._listeners:
            listener()
