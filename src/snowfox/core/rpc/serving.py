"""Runs what serves a session's requests, in an asyncio loop.

A plain `def` handler runs in place, without a task (which would cost more than all else of a call); an `async def` one
in a task; a stream is an async generator in a task, paused while its reader is behind. Whatever a handler raises is the
caller's answer: an error of the tree as itself, anything else without what it said, and logged once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from enum import Enum
from functools import lru_cache, partial
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, Final

from snowfox.core import log
from snowfox.core import trace as tracing
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Credentials
from snowfox.core.rpc.answers import Answers
from snowfox.core.rpc.handlers import Handlers
from snowfox.core.rpc.requests import close_in
from snowfox.core.rpc.session import Called, Session
from snowfox.errors import Cancelled, InternalError, RemoteError, SnowFoxError

PAUSE: Final = 256 << 10
"""Unsent bytes beyond which streams wait."""

_log = log.get("rpc")


class _Way(Enum):
    """What a handler gave."""

    VALUE = 1
    PROMISE = 2
    STREAM = 3


@lru_cache
def _way(kind: type[Any]) -> _Way:
    if hasattr(kind, "__anext__"):
        return _Way.STREAM
    return _Way.PROMISE if hasattr(kind, "__await__") else _Way.VALUE


class Caller(NamedTuple):
    """Who asks.

    Args:
        peer: credentials by the kernel; None where it does not know: an inherited socket, another host.
        name: in the certificate, where there is TLS; else "".
    """

    peer: Credentials | None
    name: str = ""

    def __str__(self) -> str:
        """For messages."""
        if self.peer is not None:
            return f"uid {self.peer.uid}"
        return self.name or "somebody"


_caller: Final[ContextVar[Caller]] = ContextVar("snowfox.rpc.caller", default=Caller(None))  # noqa: B039 - frozen


def current() -> Caller:
    """Who asks, inside a handler; nobody outside."""
    return _caller.get()


class Serving:
    """The handlers of one session.

    Args:
        session: whose requests are served.
        handlers: what serves them.
        caller: who asks.
        soon: called when there is something to send outside a turn of the link.
        answers: what was answered to idempotency keys; of a server one for all its sessions.
    """

    def __init__(
        self,
        session: Session,
        handlers: Handlers,
        caller: Caller,
        *,
        soon: Callable[[], object],
        answers: Answers,
    ) -> None:
        self._answers = answers
        self._session = session
        self._handlers = handlers
        self._caller = caller
        self._soon = soon
        self._tasks: dict[int, tuple[asyncio.Task[None], Any]] = {}
        self._drained: asyncio.Event | None = None
        self._paused: dict[int, asyncio.Future[None]] = {}

    def serve(self, called: Called) -> None:
        """Run the handler of a request."""
        _, method, arguments, trace, key = called
        handler = self._handlers[method]
        if key:
            handler = partial(self._answers.once, (str(self._caller), method, key), handler)
        token = _caller.set(self._caller)
        try:
            if trace is None and tracing.current() is None:
                self._serve(called, handler(*arguments))
            else:
                with tracing.within(trace):
                    self._serve(called, handler(*arguments))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the caller's answer
            self._refuse(called, error)
        finally:
            _caller.reset(token)

    def _serve(self, called: Called, value: Any) -> None:
        way = _way(value.__class__)
        if way is _Way.VALUE:
            self._answer(called, value)
        elif way is _Way.STREAM:
            self._start(called, self._stream(called, value), value)
        else:
            self._start(called, self._wait(called, value), value)

    def withdraw(self, request: int) -> None:
        """A request is no longer wanted."""
        running = self._tasks.pop(request, None)
        if running is not None:
            _cancel(*running)

    def sent(self) -> None:
        """Something was sent: streams that waited may go on."""
        if self._drained is not None and self._session.outbox.size <= PAUSE:
            self._drained.set()
            self._drained = None

    def stop(self) -> None:
        """The session is over: cancel all that runs."""
        for running in self._tasks.values():
            _cancel(*running)
        self._tasks.clear()

    def _start(self, called: Called, work: Any, value: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name=called.method)
        self._tasks[called.request] = (task, value)

    async def _wait(self, called: Called, value: Awaitable[Any]) -> None:
        try:
            self._answer(called, await value)
        except asyncio.CancelledError:
            self._cancelled(called)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the caller's answer
            self._refuse(called, error)
        finally:
            self._finish(called)

    async def _stream(self, called: Called, items: AsyncIterator[Any]) -> None:
        try:
            async for one in items:
                if not self._item(called, one):
                    break
                self._soon()
                while self._session.outbox.size > PAUSE:
                    await self._drain()
                if not self._session.may_send(called.request):
                    await self._credit(called.request)
            self._session.end(called.request)
        except asyncio.CancelledError:
            self._cancelled(called)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the caller's answer
            self._refuse(called, error)
        finally:
            await self._close(called, items)
            self._finish(called)

    async def _credit(self, request: int) -> None:
        """Wait until the reader of this stream took enough. One that is no longer wanted has its task cancelled."""
        paused = self._paused[request] = asyncio.get_running_loop().create_future()
        try:
            await paused
        finally:
            if self._paused.get(request) is paused:  # its number may be in use again
                del self._paused[request]

    def credited(self, request: int) -> None:
        """The reader of a stream took enough."""
        paused = self._paused.get(request)
        if paused is not None and not paused.done():
            paused.set_result(None)

    async def _drain(self) -> None:
        """Wait for a reader that is behind. One that takes nothing for long loses its session, and this its task."""
        if self._drained is None:
            self._drained = asyncio.Event()
        await self._drained.wait()

    async def _close(self, called: Called, items: AsyncIterator[Any]) -> None:
        """What it raises now nobody waits for."""
        close = getattr(items, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("a stream failed at its end", method=called.method, error=repr(error))

    def _item(self, called: Called, value: Any) -> bool:
        try:
            return self._session.item(called.request, value)
        except SnowFoxError:
            close_in(value)
            raise

    def _answer(self, called: Called, value: Any) -> None:
        try:
            self._session.answer(called.request, value)
        except InternalError:
            close_in(value)
            raise

    def _is_ours(self, request: int) -> bool:
        """Whether it is still the running task's."""
        running = self._tasks.get(request)
        return running is not None and running[0] is asyncio.current_task()

    def _cancelled(self, called: Called) -> None:
        # Withdrawn requests were answered by the session, and their number may be in use again.
        if self._is_ours(called.request):
            self._session.refuse(called.request, Cancelled("the handler was cancelled"))

    def _finish(self, called: Called) -> None:
        if self._is_ours(called.request):
            del self._tasks[called.request]
        self._soon()

    def _refuse(self, called: Called, error: Exception) -> None:
        # An error that is kept under a key would keep what its request came with.
        error.__traceback__ = None
        name = called.method
        if isinstance(error, InternalError) or not isinstance(error, SnowFoxError):
            _log.error("a handler failed", method=name, error=repr(error))
        if not isinstance(error, SnowFoxError):
            text = f"cannot {name.rpartition('.')[2]}: it failed inside"
            error = RemoteError(text, None, type(error).__name__)
        self._session.refuse(called.request, error)


def _cancel(task: asyncio.Task[None], value: Any) -> None:
    """Cancel what runs. A task that did not begin never awaits its handler's coroutine, which is closed here."""
    task.cancel()
    if asyncio.iscoroutine(value) and getcoroutinestate(value) == CORO_CREATED:
        value.close()
