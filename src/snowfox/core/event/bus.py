"""The bus: tells events to handlers, in order per subject, inside the event's trace.

Theory: each subject with something under way has a queue of deliveries, of which the first is being handled. When all
its handlers have handled it, its promise settles and the next begins. A delivery whose handlers are all plain `def` is
handled in place, without a task, and if it is the only one of its subject, without a promise of its own either. One
with an `async def` handler gets a task for itself.

A handler that awaits an emit waits for a delivery; the deliveries and what they wait for form a graph, and a wait that
would close a circle in it raises `WouldDeadlock` at once instead of hanging.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, Generic, TypeVar, cast

from snowfox.core import log, trace
from snowfox.core.clock import Clock
from snowfox.core.event.fact import Event, F, Fact
from snowfox.core.ids import Ids
from snowfox.core.named import NamedTuple
from snowfox.core.promise import Promise, Resolver
from snowfox.core.trace import Trace
from snowfox.errors import Cancelled, HandlersFailed, InternalError, WouldDeadlock
from snowfox.values import Seconds

T = TypeVar("T")

Handler = Callable[[Any], Awaitable[None] | None]
"""Takes an event; `def` or `async def`. What it raises goes to who emitted."""

_log: Final = log.get("bus")
_handling: Final[contextvars.ContextVar[_Delivery | None]] = contextvars.ContextVar(
    "snowfox.bus.handling", default=None
)


class Emitted(Promise[T], Generic[T]):
    """The promise of an emit: settles when every handler has handled, rejects with `HandlersFailed`.

    Awaiting it inside a handler for which it waits raises `WouldDeadlock` at once.
    """

    __slots__ = ("_delivery",)
    _delivery: _Delivery

    def __await__(self) -> Generator[Any, None, T]:
        waiting = _handling.get()
        if waiting is None or waiting.is_done or self.is_settled:
            return (yield from super().__await__())
        if self._delivery.waits_for(waiting):
            event, other = waiting.event, self._delivery.event
            msg = (
                f"a handler of {event.kind} on {event.subject} waits for {other.kind} on {other.subject}, "
                "which waits for that handler"
            )
            raise WouldDeadlock(msg)
        waiting.awaited.append(self._delivery)
        try:
            return (yield from super().__await__())
        finally:
            waiting.awaited.remove(self._delivery)


class _Delivery:
    """An event on its way, its place in its subject's queue, what its handlers wait for."""

    __slots__ = ("awaited", "context", "event", "handlers", "is_async", "is_done", "queue", "resolver")

    def __init__(self, event: Event[Fact], handlers: _Handlers, queue: deque[_Delivery]) -> None:
        self.event = event
        self.handlers = handlers.listeners
        self.queue = queue
        self.context = contextvars.copy_context()
        self.awaited: list[_Delivery] = []
        self.resolver: Resolver[None] | None = None
        self.is_async = handlers.is_async
        self.is_done = False

    def waits_for(self, other: _Delivery) -> bool:
        """Whether it cannot be handled before `other` is."""
        seen: set[int] = set()
        waiting: list[_Delivery] = [self]
        while waiting:
            one = waiting.pop()
            if one is other:
                return True
            if id(one) in seen:
                continue
            seen.add(id(one))
            waiting.extend(one.awaited)
            for ahead in one.queue:
                if ahead is one:
                    break
                waiting.append(ahead)
        return False


class _Listener:
    """A handler, and whether it is `async def`."""

    __slots__ = ("handler", "is_async", "name")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.is_async = inspect.iscoroutinefunction(handler)
        self.name = getattr(handler, "__qualname__", repr(handler))


class _Handlers(NamedTuple):
    """Who hears a kind of fact, and whether one of them is `async def`."""

    listeners: tuple[_Listener, ...]
    is_async: bool


class Bus:
    """Where events are told. One per process; belongs to one loop.

    Args:
        clock: times of events.
        ids: their ids.
        most: events that may wait on one subject; one more is rejected.
        deadline: seconds that an `async def` handler may take, and that an emit waits where nothing sooner is set.
    """

    def __init__(self, clock: Clock, ids: Ids, *, most: int = 1000, deadline: Seconds = 60.0) -> None:
        self._clock = clock
        self._ids = ids
        self._most = most
        self._deadline = deadline
        self._listeners: dict[type[Fact] | None, tuple[_Listener, ...]] = {}
        self._matching: dict[type[Fact], _Handlers] = {}
        self._queues: dict[str, deque[_Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._nothing: Promise[None] = Promise[None].of(None, "emit")
        self._closed = False

    def on(self, fact: type[F]) -> Callable[[Callable[[Event[F]], T]], Callable[[Event[F]], T]]:
        """Decorate a handler (`def` or `async def`) of this kind of fact and those derived from it."""

        def decorate(handler: Callable[[Event[F]], T]) -> Callable[[Event[F]], T]:
            self.subscribe(fact, cast("Handler", handler))
            return handler

        return decorate

    def subscribe(self, fact: type[Fact] | None, handler: Handler) -> Callable[[], None]:
        """Let `handler` have all events of this kind of fact, of all kinds with None.

        Handlers of one event are called one after another in the order of their subscription, those of None last.
        Returns what ends it; events that wait already are still told.
        """
        listener = _Listener(handler)
        self._listeners[fact] = (*self._listeners.get(fact, ()), listener)
        self._matching.clear()

        def unsubscribe() -> None:
            rest = tuple(other for other in self._listeners.get(fact, ()) if other is not listener)
            self._listeners[fact] = rest
            self._matching.clear()

        return unsubscribe

    def emit(self, fact: Fact, *, subject: str, deadline: Seconds | None = None) -> Promise[None]:
        """Tell it. The promise settles when every handler has handled it; need not be awaited.

        Args:
            fact: what happened.
            subject: what it is about; events on one subject are handled one after another.
            deadline: monotonic time until which the promise waits; the handlers are not stopped by it.

        The promise rejects with HandlersFailed (all errors), InternalError (queue full, bus closed), DeadlineExceeded.
        """
        handlers = self._matching.get(type(fact))
        if handlers is None:
            handlers = self._match(type(fact))
        if not handlers.listeners:
            return self._nothing
        event = self._event(fact, subject)
        if self._closed:
            return Promise[None].failed(InternalError(f"cannot emit {fact.kind}: the bus is closed"))
        queue = self._queues.get(subject)
        if queue is None:
            queue = self._queues[subject] = deque()
        elif len(queue) >= self._most:
            text = f"cannot emit {fact.kind} on {subject}: {len(queue)} events wait already"
            return Promise[None].failed(InternalError(text), f"{fact.kind} on {subject}")
        delivery = _Delivery(event, handlers, queue)
        queue.append(delivery)
        if len(queue) == 1 and not delivery.is_async:
            return self._handle_in_place(delivery)
        promise, delivery.resolver = self._promise(delivery, deadline)
        if len(queue) == 1:
            self._go_on(queue)
        return promise

    @property
    def waiting(self) -> int:
        """How many events are being handled or wait for it."""
        return sum(len(queue) for queue in self._queues.values())

    async def close(self) -> None:
        """Take no more, cancel what `async def` handlers are under way; what waits is rejected with `Cancelled`."""
        self._closed = True
        for queue in self._queues.values():
            # The first ones end with their tasks.
            while len(queue) > 1:
                delivery = queue.pop()
                if delivery.resolver is not None:
                    delivery.resolver.reject(Cancelled("the bus is closed"))
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _match(self, kind: type[Fact]) -> _Handlers:
        found: list[_Listener] = []
        for fact, listeners in self._listeners.items():
            if fact is not None and issubclass(kind, fact):
                found.extend(listeners)
        found.extend(self._listeners.get(None, ()))
        matching = self._matching[kind] = _Handlers(tuple(found), any(one.is_async for one in found))
        return matching

    def _event(self, fact: Fact, subject: str) -> Event[Fact]:
        place = trace.current()
        new = self._ids.new()
        story, cause = (new, "") if place is None else place
        return Event(new, fact.kind, subject, self._clock.wall(), story, cause, fact)

    def _promise(self, delivery: _Delivery, deadline: Seconds | None) -> tuple[Emitted[None], Resolver[None]]:
        event = delivery.event
        until = self._clock.now() + self._deadline if deadline is None else deadline
        promise, resolver = Emitted[None].make(f"{event.kind} on {event.subject}", deadline=until, depth=3)
        emitted = cast("Emitted[None]", promise)
        emitted._delivery = delivery  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - made for it here
        return emitted, resolver

    def _handle_in_place(self, delivery: _Delivery) -> Promise[None]:
        failure = delivery.context.run(self._call_all, delivery)
        self._end(delivery, failure)
        self._go_on(delivery.queue)
        if failure is None:
            return self._nothing
        return Promise[None].failed(failure, f"{delivery.event.kind} on {delivery.event.subject}")

    def _call_all(self, delivery: _Delivery) -> HandlersFailed | None:
        event = delivery.event
        _handling.set(delivery)
        errors: list[tuple[str, Exception]] = []
        with trace.within(Trace(event.trace, event.id)):
            for listener in delivery.handlers:
                try:
                    listener.handler(event)
                except Exception as error:  # noqa: BLE001 - every handler's errors go to who emitted
                    errors.append((listener.name, error))
        return _failure(event, errors)

    def _go_on(self, queue: deque[_Delivery]) -> None:
        """Handle what is next, until one needs a task. A loop, so that a long queue needs no stack."""
        while queue:
            delivery = queue[0]
            if delivery.is_async:
                task = asyncio.get_running_loop().create_task(
                    self._handle(delivery), name=f"bus {delivery.event.subject}", context=delivery.context
                )
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                return
            self._end(delivery, delivery.context.run(self._call_all, delivery))

    async def _handle(self, delivery: _Delivery) -> None:
        event = delivery.event
        _handling.set(delivery)
        errors: list[tuple[str, Exception]] = []
        failure: Exception | None = Cancelled("the bus is closed")
        try:
            with trace.within(Trace(event.trace, event.id)):
                for listener in delivery.handlers:
                    try:
                        await self._call(listener, event)
                    except Exception as error:  # noqa: BLE001 - every handler's errors go to who emitted
                        errors.append((listener.name, error))
            failure = _failure(event, errors)
        finally:
            self._end(delivery, failure)
            self._go_on(delivery.queue)

    async def _call(self, listener: _Listener, event: Event[Fact]) -> None:
        outcome = listener.handler(event)
        if outcome is not None and listener.is_async:
            async with asyncio.timeout(self._deadline):
                await outcome

    def _end(self, delivery: _Delivery, failure: Exception | None) -> None:
        delivery.is_done = True
        delivery.queue.popleft()
        if not delivery.queue:
            del self._queues[delivery.event.subject]
        if delivery.resolver is None:
            return
        if failure is None:
            delivery.resolver.resolve(None)
        else:
            delivery.resolver.reject(failure)


def _failure(event: Event[Fact], errors: list[tuple[str, Exception]]) -> HandlersFailed | None:
    if not errors:
        return None
    said = [f"{name}: {_words(error)}" for name, error in errors]
    failure = HandlersFailed(f"cannot handle {event.kind} on {event.subject}: {'; '.join(said)}", "", said)
    failure.__cause__ = ExceptionGroup("handlers", [error for _, error in errors])
    return failure


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "it took too long"
    return str(error) or type(error).__name__
