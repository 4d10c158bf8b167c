"""Serve an interface on a listening socket, in an asyncio loop.

```python
class ManagerHandlers:
    @handles(Manager.status)                       # def runs in place, async def in a task
    def status(self, pattern: str = "*") -> NodeStatus: ...
async with serve(listener, Manager, ManagerHandlers(), grants=grants) as server: ...
```
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from snowfox.core import log
from snowfox.core.clock import SystemClock
from snowfox.core.posix.active import active
from snowfox.core.posix.api import Credentials, Posix
from snowfox.core.rpc.interface import Interface, Method
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.message import Wires, small
from snowfox.core.rpc.serving import Caller, Handlers, current
from snowfox.core.rpc.session import Options
from snowfox.errors import InternalError, NotPermitted, PeerError, PosixError, SnowFoxError
from snowfox.values import Seconds

__all__ = ["Grants", "Server", "current", "handles", "serve", "table"]

F = TypeVar("F", bound=Callable[..., Any])

Grants = Callable[[Credentials], frozenset[str]]
"""What a peer may do; none: it is not let in."""

MOST_SESSIONS: Final = 1000
MOST_REQUESTS: Final = 256
"""Requests that one client may have under way."""
ACCEPTED_AT_ONCE: Final = 64
PAUSE: Final[Seconds] = 0.1
"""How long nobody is accepted after a connection could not be taken, as when descriptors are used up."""

_log = log.get("rpc")


def handles(method: Method[Any, Any]) -> Callable[[F], F]:
    """Mark a method as what serves `Manager.status`. The same arguments by position; the result of its type."""

    def mark(function: F) -> F:
        function.__dict__["_snowfox_handles"] = method
        return function

    return mark


def table(serving: type[Interface], handlers: object) -> Handlers:
    """What serves each method of an interface. Raises InternalError for one without, or marked for another."""
    found: Handlers = {}
    for name in dir(type(handlers)):
        method = getattr(getattr(type(handlers), name), "_snowfox_handles", None)
        if isinstance(method, Method):
            found[method.full_name] = getattr(handlers, name)
    wanted = {method.full_name for method in serving.methods.values()}
    if missing := wanted - found.keys():
        raise InternalError(f"{type(handlers).__name__} does not handle {', '.join(sorted(missing))}")
    return {name: handler for name, handler in found.items() if name in wanted}


@asynccontextmanager
async def serve(
    listener: int, serving: type[Interface], handlers: object, *, grants: Grants, wires: Wires = small
) -> AsyncGenerator[Server]:
    """Serve until the block is left; then every session is closed. The listener stays the caller's.

    Args:
        listener: a listening non-blocking unix socket.
        serving: the interface.
        handlers: an object whose methods serve it, marked with `handles`.
        grants: what each peer may do.
        wires: how messages are written and read; `fast.fast` is faster, for 32 ms of import.

    Raises InternalError when a handler is missing.
    """
    options = Options("server", ping_after=None, dead_after=None, most_requests=MOST_REQUESTS, wires=wires)
    server = Server(active(), listener, serving, table(serving, handlers), grants=grants, options=options)
    try:
        yield server
    finally:
        server.close()


class Server:
    """See `serve`."""

    def __init__(
        self,
        posix: Posix,
        listener: int,
        serving: type[Interface],
        handlers: Handlers,
        *,
        grants: Grants,
        options: Options,
    ) -> None:
        self._options = options
        self._posix = posix
        self._listener = listener
        self._serving = serving
        self._handlers = handlers
        self._grants = grants
        self._clock = SystemClock()
        self._loop = asyncio.get_running_loop()
        self._links: set[Link[Interface]] = set()
        self._resume: asyncio.TimerHandle | None = None
        self._loop.add_reader(listener, self._accept)

    @property
    def sessions(self) -> int:
        """How many are open."""
        return len(self._links)

    def drain(self) -> None:
        """Accept no more; sessions go on."""
        self._loop.remove_reader(self._listener)
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None

    def close(self) -> None:
        """Accept no more and end every session."""
        self.drain()
        for link in list(self._links):
            link.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                socket = self._posix.sockets.accept(self._listener)
            except PosixError as error:
                _log.warning("cannot take a connection", error=str(error))
                self._loop.remove_reader(self._listener)
                self._resume = self._loop.call_later(PAUSE, self._again)
                return
            if socket is None:
                return
            self._admit(socket)

    def _again(self) -> None:
        self._resume = None
        self._loop.add_reader(self._listener, self._accept)

    def _admit(self, socket: int) -> None:
        try:
            peer = self._posix.sockets.peer(socket)
        except PosixError as error:
            _log.warning("a connection without credentials", error=str(error))
            self._posix.files.close(socket)
            return
        rights = self._grants(peer)
        refusal: SnowFoxError | None = None
        if not rights:
            refusal = NotPermitted(f"cannot connect: uid {peer.uid} may do nothing here", None)
        elif len(self._links) >= MOST_SESSIONS:
            refusal = PeerError(f"cannot connect: {MOST_SESSIONS} sessions are open", "try again later")
        options = self._options._replace(name=f"pid {peer.pid}", rights=rights)
        link: Link[Interface] = Link(
            self._posix,
            socket,
            clock=self._clock,
            options=options,
            serving=self._serving,
            handlers=self._handlers,
            caller=Caller(peer),
        )
        if refusal is not None:
            _log.warning("a connection was refused", why=str(refusal), uid=peer.uid, pid=peer.pid)
            link.close(refusal)
            return
        self._links.add(link)
        link.when_closed(lambda: self._links.discard(link))
