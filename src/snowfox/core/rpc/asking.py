"""What we ask of the other end of a session, in an asyncio loop: promises of answers, and streams."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from snowfox.core import deadline as deadlines
from snowfox.core.promise import Promise, Resolver
from snowfox.core.rpc.happening import Answered, Failed, Item, StreamEnded
from snowfox.core.rpc.items import Items
from snowfox.core.rpc.requests import close_in
from snowfox.errors import ConnectionLost

if TYPE_CHECKING:
    from snowfox.core.clock import Clock
    from snowfox.core.rpc.interface import Method
    from snowfox.core.rpc.session import Session
    from snowfox.values import Seconds

_make: Final[Callable[..., tuple[Promise[Any], Resolver[Any]]]] = Promise.make

_FIRST: Final = 4
"""Requests under way that are not held back until the turn of the loop ends."""


class Asking:
    """The calls and streams of one session that are under way.

    Args:
        session: over which they go.
        clock: for deadlines, the time of the running loop.
        soon: called when there is something to send.
        ahead: called when there may be much to send already; with whether it is of the first after quiet.
    """

    def __init__(
        self, session: Session, clock: Clock, *, soon: Callable[[], object], ahead: Callable[[bool], object]
    ) -> None:
        self._session = session
        self._clock = clock
        self._soon = soon
        self._ahead = ahead
        self._asked: dict[int, Resolver[Any]] = {}
        self._streams: dict[int, Items[Any]] = {}

    def bind(self, method: Method[Any, Any]) -> Callable[..., Any]:
        """What calls a method: a function that gives a promise, or a stream."""
        if method.is_stream:
            return lambda *values, **named: Items[Any](self, method, method.bind(values, named))
        return lambda *values, **named: self._call(method, method.bind(values, named))

    def call(
        self, method: Method[Any, Any], values: tuple[Any, ...], left: Seconds | None, *, depth: int = 3
    ) -> Promise[Any]:
        """Call a method.

        Args:
            method: of the other end.
            values: all its arguments, in order.
            left: seconds for the answer.
            depth: whose call is named as the promise's maker.

        Raises as `Session.call`; that the session is over rejects the promise.
        """
        now = self._clock.now()
        try:
            request = self._session.call(method, values, now, deadline=left)
        except ConnectionLost as error:
            return Promise[Any].failed(error, method.full_name)
        # The session keeps the deadline; the promise's own is only the net below it.
        promise, resolver = _make(method.full_name, deadline=now + (left or 0.0) + 1.0, depth=depth)
        self._asked[request] = resolver
        promise.when_settled(partial(self._settled, request))
        self._soon()
        # After quiet the first go now: the other end begins with them while we finish our turn.
        self._ahead(len(self._asked) <= _FIRST)
        return promise

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

    def answered(self, happening: Answered) -> None:
        """A call succeeded."""
        resolver = self._asked.pop(happening.request, None)
        if resolver is None or not resolver.resolve(happening.value):
            close_in(happening.value)

    def went_on(self, happening: Failed | Item | StreamEnded) -> None:
        """A call or stream failed, a stream brought an item or came to its end."""
        request = happening.request
        if isinstance(happening, Item):
            if (items := self._streams.get(request)) is None:
                close_in(happening.value)
            else:
                items.put(happening.value, happening.size)
            return
        error = happening.error if isinstance(happening, Failed) else None
        if error is not None and (resolver := self._asked.pop(request, None)) is not None:
            resolver.reject(error)
        elif (items := self._streams.pop(request, None)) is not None:
            items.finish(error)

    def _call(self, method: Method[Any, Any], values: tuple[Any, ...]) -> Promise[Any]:
        left = method.deadline
        if left is not None:
            left = max(0.0, min(left, deadlines.current() - self._clock.now()))
        return self.call(method, values, left, depth=4)

    def _settled(self, request: int, _: Promise[Any]) -> None:
        """Whoever asked no longer wants it: so the other end need not go on."""
        if self._asked.pop(request, None) is not None:
            self._session.cancel(request)
            self._soon()
