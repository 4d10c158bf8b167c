"""What we ask of the other end of a session, in an asyncio loop: promises of answers, and streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from snowfox.core import deadline as deadlines
from snowfox.core.promise import Owned, Promise, PromiseKeeper
from snowfox.core.rpc.happening import Answered, Failed, Item, StreamEnded
from snowfox.core.rpc.items import Items
from snowfox.core.rpc.outbox import AHEAD
from snowfox.core.rpc.requests import close_in
from snowfox.errors import ConnectionLost

if TYPE_CHECKING:
    from snowfox.core.clock import Clock
    from snowfox.core.rpc.interface import Method
    from snowfox.core.rpc.session import Session
    from snowfox.values import Seconds

_owned: Final[Callable[..., Owned[Any]]] = Owned

_FIRST: Final = 1
"""Requests under way that are not held back until the turn of the loop ends: the first after quiet."""


class Asking:
    """The calls and streams of one session that are under way.

    Args:
        session: over which they go.
        clock: for deadlines, the time of the running loop.
        soon: called when there is something to send.
        ahead: called when there is something to send that should not wait for the turn's end.
    """

    def __init__(
        self, session: Session, clock: Clock, *, soon: Callable[[], object], ahead: Callable[[], object]
    ) -> None:
        self._session = session
        self._now = clock.now
        self._soon = soon
        self._ahead = ahead
        self._keeper = PromiseKeeper.instance()
        self._asked: dict[int, Owned[Any]] = {}
        self._owner = self._abandoned
        self._streams: dict[int, Items[Any]] = {}

    def bind(self, method: Method[Any, Any]) -> Callable[..., Any]:
        """What calls a method: a function that gives a promise, or a stream."""
        if method.is_stream:
            return lambda *values, **named: Items[Any](self, method, method.bind(values, named))
        name, count, most = method.full_name, len(method.arguments), method.deadline or 0.0

        def ask(*values: Any, **named: Any) -> Promise[Any]:
            if named or len(values) != count:
                values = method.bind(values, named)
            now = self._now()
            left = deadlines.current() - now
            return self.call(method, name, values, now, most if left > most else max(0.0, left))

        return ask

    def call(
        self, method: Method[Any, Any], name: str, values: tuple[Any, ...], now: Seconds, left: Seconds
    ) -> Promise[Any]:
        """Call a method.

        Args:
            method: of the other end.
            name: its full name.
            values: all its arguments, in order.
            now: monotonic time.
            left: seconds for the answer.

        Raises as `Session.call`; that the session is over rejects the promise.
        """
        try:
            request = self._session.call(method, values, now, deadline=left)
        except ConnectionLost as error:
            return Promise[Any].failed(error, name)
        # The session keeps the deadline; the promise's own is only the net below it.
        promise: Owned[Any] = _owned(name, now + left + 1.0, self._keeper, now, 3, self._owner)
        promise.number = request
        self._asked[request] = promise
        # After quiet the first goes now, and so does much: the other end begins while we finish our turn.
        if len(self._asked) <= _FIRST or self._session.outbox.size >= AHEAD:
            self._ahead()
        else:
            self._soon()
        return promise

    def open_stream(self, method: Method[Any, Any], values: tuple[Any, ...], items: Items[Any]) -> int:
        """Ask for a stream. Raises ConnectionLost."""
        now = self._now()
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
        request, value = happening
        promise = self._asked.pop(request, None)
        if promise is None or not promise.resolve(value):
            close_in(value)

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
        if error is not None and (promise := self._asked.pop(request, None)) is not None:
            promise.reject(error)
        elif (items := self._streams.pop(request, None)) is not None:
            items.finish(error)

    def _abandoned(self, promise: Owned[Any]) -> None:
        """Whoever asked no longer wants it: so the other end need not go on."""
        del self._asked[promise.number]
        self._session.cancel(promise.number)
        self._soon()
