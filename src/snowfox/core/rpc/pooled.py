"""An interface that is called over as many connections as it takes, made on request and made anew when they are lost.

```python
async with pooled([Endpoint.parse("unix:a.sock"), Endpoint.parse("unix:b.sock")], Shop) as shop:
    await shop.price("apple")            # the first call connects
```

A call that finds no connection waits for one within its deadline. When a connection is lost, calls that may be repeated
(`@call(repeatable=True)`, without descriptors, or under an idempotency key) go on over another one within their deadline;
others, and streams, are rejected with ConnectionLost. `pool` decides, without I/O; this does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any, Final, Generic, TypeVar, cast

from snowfox.core import deadline as deadlines
from snowfox.core import trace as tracing
from snowfox.core.clock import Clock
from snowfox.core.clock import active as active_clock
from snowfox.core.posix.active import active
from snowfox.core.posix.api import Posix
from snowfox.core.promise import Promise, Resolver
from snowfox.core.rpc import idempotency
from snowfox.core.rpc.asking import Asking
from snowfox.core.rpc.client import join
from snowfox.core.rpc.endpoint import Endpoint
from snowfox.core.rpc.form import has_descriptors
from snowfox.core.rpc.interface import Interface, Method
from snowfox.core.rpc.items import Items
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.message import Wires, small
from snowfox.core.rpc.pool import USUAL, Action, Close, Give, Limits, Open, Pool
from snowfox.core.rpc.session import GREETED_WITHIN
from snowfox.errors import (
    ConnectionLost,
    DeadlineExceeded,
    InternalError,
    NotPermitted,
    ProtocolError,
    SnowFoxError,
    UsageError,
)
from snowfox.values import Seconds

I = TypeVar("I", bound=Interface)  # noqa: E741 - an interface

_FOR_GOOD: Final = (InternalError, NotPermitted, ProtocolError, UsageError)
"""Why a connection fails that would fail again."""

_make: Final[Callable[..., tuple[Promise[Any], Resolver[Any]]]] = Promise.make


@asynccontextmanager
async def pooled(
    places: Iterable[str | Endpoint], calling: type[I], *, limits: Limits = USUAL, wires: Wires = small
) -> AsyncGenerator[I]:
    """The interface that is served at these places, for the block. Nothing is connected before the first call.

    Args:
        places: where; several are equals. As text those without TLS.
        calling: what is served there.
        limits: see `pool.Limits`.
        wires: how messages are written and read.

    Leaving the block rejects what is under way with ConnectionLost. Raises UsageError for what is no endpoint.
    """
    remote = Pooled(endpoints(places), calling, limits=limits, wires=wires)
    try:
        yield remote.remote
    finally:
        await remote.close()


def endpoints(places: Iterable[str | Endpoint]) -> list[Endpoint]:
    """Places as endpoints. Raises UsageError."""
    return [Endpoint.parse(place) if isinstance(place, str) else place for place in places]


class _Call:
    """A call that was asked for and not answered yet; a stream's waits only for its connection."""

    __slots__ = (
        "began",
        "inner",
        "key",
        "member",
        "method",
        "number",
        "resolver",
        "trace",
        "until",
        "values",
    )

    def __init__(
        self,
        number: int,
        method: Method[Any, Any],
        values: tuple[Any, ...] | None,
        until: Seconds,
        resolver: Resolver[Any],
    ) -> None:
        self.number = number
        self.method = method
        self.values = values
        self.until = until
        self.resolver = resolver
        self.trace = tracing.current()
        self.key = idempotency.current()
        self.member = 0
        self.began: Seconds = 0.0
        self.inner: Promise[Any] | None = None

    @property
    def is_repeatable(self) -> bool:
        method = self.method
        can = method.repeatable or bool(self.key)
        return can and not any(has_descriptors(argument.type) for argument in method.arguments)


class Pooled(Generic[I]):
    """See `pooled`, which makes and closes one.

    Args:
        places: where the interface is served.
        calling: the interface.
        limits: see `pool.Limits`.
        wires: how messages are written and read.
    """

    def __init__(
        self, places: Iterable[Endpoint], calling: type[I], *, limits: Limits = USUAL, wires: Wires = small
    ) -> None:
        self._posix: Posix = active()
        self._clock: Clock = active_clock()
        self._loop = asyncio.get_running_loop()
        self._calling = calling
        self._wires = wires
        self._pool = Pool(places, limits=limits, random=Random())  # noqa: S311 - delays are no secret
        self._calls: dict[int, _Call] = {}
        self._links: dict[int, Link[I]] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._soonest: Seconds = (
            deadlines.NO_END
        )  # when the first of the calls that wait has waited for too long
        self._last = 0
        self._is_closed = False
        self.remote: I = calling(self._bind)

    @property
    def connections(self) -> int:
        """How many are open or being opened."""
        return self._pool.connections

    @property
    def links(self) -> list[Link[I]]:
        """The open ones."""
        return list(self._links.values())

    def replace(self, places: Iterable[Endpoint]) -> None:
        """Other places from now on. Connections to those that stay are kept; the others end what they have."""
        self._perform(self._pool.replace(places, self._clock.now()))

    async def close(self) -> None:
        """End all. What is under way is rejected with ConnectionLost; a second time is fine."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._opening.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._perform(self._pool.close())
        for call in list(self._calls.values()):
            call.resolver.reject(ConnectionLost("the pool is closed"))

    # --- calling

    def _bind(self, method: Method[Any, Any]) -> Callable[..., Any]:
        if method.is_stream:
            return lambda *values, **named: Items[Any](
                partial(self._link_for, method), method, method.bind(values, named)
            )
        most = method.deadline or 0.0
        return lambda *values, **named: self._enter(method, method.bind(values, named), most)

    async def _link_for(self, method: Method[Any, Any]) -> Asking:
        """A connection for a stream, within its deadline or that of the place that asks."""
        found = await self._enter(method, None, method.deadline or GREETED_WITHIN)
        return cast("Asking", found)

    def _enter(self, method: Method[Any, Any], values: tuple[Any, ...] | None, most: Seconds) -> Promise[Any]:
        """The answer within `most` seconds, or without values the connection for a stream."""
        now = self._clock.now()
        until = min(now + most, deadlines.current())
        promise, resolver = _make(method.full_name, deadline=until + 2.0, depth=3)
        self._last += 1
        call = self._calls[self._last] = _Call(self._last, method, values, until, resolver)
        promise.when_settled(partial(self._over, call))
        self._ask(call, now)
        return promise

    def _ask(self, call: _Call, now: Seconds) -> None:
        if self._is_closed:
            call.resolver.reject(ConnectionLost("the pool is closed"))
            return
        self._soonest = min(self._soonest, call.until)
        try:
            actions = self._pool.ask(call.number, now)
        except SnowFoxError as error:
            call.resolver.reject(error)
        else:
            self._perform(actions)

    def _over(self, call: _Call, _: Promise[Any]) -> None:
        """It is settled, be it by who asked: nothing more is done for it."""
        self._calls.pop(call.number, None)
        self._pool.forget(call.number)
        if call.inner is not None:
            call.inner.cancel()

    # --- doing

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Give(number, member):
                    self._give(number, member)
                case Open(member, place):
                    self._opening[member] = self._loop.create_task(self._open(member, place))
                case Close(member):
                    self._drop(member)
        self._arm()

    def _give(self, number: int, member: int) -> None:
        call, link = self._calls.get(number), self._links.get(member)
        now = self._clock.now()
        if call is not None and link is not None and call.until > now:
            call.member, call.began = member, now
            if self._goes_over(link, call, now):
                return
        self._soon(lambda: self._pool.done(member, None, now))
        if call is not None and link is None:
            self._soon(lambda: self._pool.ask(number, now))

    def _goes_over(self, link: Link[I], call: _Call, now: Seconds) -> bool:
        """Whether the link is busy with it from now on; a stream takes only the link."""
        if call.values is None:
            call.resolver.resolve(link.asking)
            return False
        with tracing.within(call.trace), idempotency.under(call.key):
            try:
                call.inner = link.asking.call(
                    call.method, call.method.full_name, call.values, now, call.until - now
                )
            except SnowFoxError as error:
                call.resolver.reject(error)
                return False
        call.inner.when_settled(partial(self._answered, call))
        return True

    def _answered(self, call: _Call, inner: Promise[Any]) -> None:
        now = self._clock.now()
        error = inner.error()
        call.inner = None
        if isinstance(error, ConnectionLost):
            self._lost(call.member, error)
        elif not self._is_closed:
            self._perform(self._pool.done(call.member, None if error else now - call.began, now))
        if error is None:
            call.resolver.resolve(inner.result())
        elif isinstance(error, ConnectionLost) and call.is_repeatable and now < call.until:
            if call.number in self._calls:
                self._ask(call, now)
        else:
            call.resolver.reject(error)

    async def _open(self, member: int, place: Endpoint) -> None:
        try:
            async with asyncio.timeout(GREETED_WITHIN):
                link = await join(self._posix, place, self._calling, wires=self._wires)
                try:
                    await link.greeted()
                except BaseException:
                    link.close()
                    raise
        except TimeoutError:
            error: SnowFoxError = DeadlineExceeded(
                f"cannot connect to {place.address}: no greeting in {GREETED_WITHIN:g} s"
            )
            self._failed(member, error)
        except SnowFoxError as error:
            self._failed(member, error)
        else:
            del self._opening[member]
            link.reconnects = self._pool.lost_before(member)
            self._links[member] = link
            link.when_closed(lambda: self._lost(member, None))
            link.when_leaving(lambda: self._perform(self._pool.leave(member, self._clock.now())))
            self._perform(self._pool.opened(member, self._clock.now()))

    def _failed(self, member: int, error: SnowFoxError) -> None:
        del self._opening[member]
        if isinstance(error, _FOR_GOOD):
            # It would be refused again: those who wait hear it now.
            for call in [call for call in self._calls.values() if call.inner is None]:
                call.resolver.reject(error)
        self._perform(self._pool.failed(member, error, self._clock.now()))

    def _lost(self, member: int, error: SnowFoxError | None) -> None:
        if self._links.pop(member, None) is not None and not self._is_closed:
            self._perform(self._pool.lost(member, error, self._clock.now()))

    def _drop(self, member: int) -> None:
        link = self._links.pop(member, None)
        if link is not None:
            link.close()

    def _soon(self, decide: Callable[[], list[Action]]) -> None:
        """After what is being done: the pool is not told of its own actions while it is asked."""
        self._loop.call_soon(lambda: None if self._is_closed else self._perform(decide()))

    # --- time

    def _arm(self) -> None:
        when = self._pool.next_tick()
        if self._pool.waiting:
            when = self._soonest if when is None else min(when, self._soonest)
        if self._timer is not None:
            if when is not None and self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = None if when is None or self._is_closed else self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.now()
        problem = self._pool.problem
        why = f": {problem}" if problem else ""
        waiting = [call for call in self._calls.values() if call.inner is None]
        self._soonest = min((call.until for call in waiting if call.until > now), default=deadlines.NO_END)
        for call in waiting:
            if call.until <= now:
                name = call.method.name
                call.resolver.reject(DeadlineExceeded(f"cannot {name}: no connection in time{why}"))
        self._perform(self._pool.tick(now))
