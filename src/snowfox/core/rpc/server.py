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
from typing import Final

from snowfox.core import log
from snowfox.core.clock import active as active_clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.active import active
from snowfox.core.posix.address import parse
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.answers import Answers
from snowfox.core.rpc.carrier import Carrier, by_sockets
from snowfox.core.rpc.endpoint import Endpoint, Tls
from snowfox.core.rpc.handlers import Handlers, handles, table
from snowfox.core.rpc.here import HereListening
from snowfox.core.rpc.interface import Interface
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.listening import Listening, SocketListening, StreamListening
from snowfox.core.rpc.message import Wires, small
from snowfox.core.rpc.serving import Caller, current
from snowfox.core.rpc.session import GREETED_WITHIN, Options
from snowfox.errors import NotPermitted, PeerError, SnowFoxError, UsageError
from snowfox.values import Seconds

__all__ = ["Caller", "Grants", "Limits", "Server", "current", "handles", "serve", "table"]

Grants = Callable[[Caller], frozenset[str]]
"""What a peer may do; none: it is not let in."""

PING: Final[Seconds] = 20.0
DEAD: Final[Seconds] = 60.0
"""Silence after which a client on another host counts as dead; the kernel tells of those on this one."""


class Limits(NamedTuple):
    """What clients may take.

    Args:
        sessions: how many may be open; further ones are refused.
        requests: how many requests each client may have under way.
    """

    sessions: int = 1000
    requests: int = 256


_log = log.get("rpc")


@asynccontextmanager
async def serve(  # noqa: PLR0913 - all but the first four have defaults
    listener: int | str,
    serving: type[Interface],
    handlers: object,
    *,
    grants: Grants,
    wires: Wires = small,
    tls: Tls | None = None,
    idle_after: Seconds | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> AsyncGenerator[Server]:
    """Serve until the block is left; then every session is closed. The listener stays the caller's.

    Args:
        listener: a listening non-blocking unix or TCP socket; or `here:NAME` for callers in this loop.
        serving: the interface.
        handlers: an object whose methods serve it, marked with `handles`.
        grants: what each peer may do.
        wires: how messages are written and read; `fast.fast` is faster, for 32 ms of import.
        tls: both sides prove who they are.
        idle_after: seconds after which a session that nobody uses is ended; None: never. See `session.Options`.
        limits: what clients may take.

    Raises InternalError when a handler is missing or does not fit, HostError when TLS cannot be used, UsageError for a text
    that is not `here:NAME`, or a name that is taken.
    """
    options = Options("server", ping_after=None, dead_after=None, most_requests=limits.requests, wires=wires)
    options = options._replace(greeted_within=GREETED_WITHIN)
    posix = active()
    listening = _listening(posix, listener, serving, tls)
    if not listening.is_near:
        options = options._replace(ping_after=PING, dead_after=DEAD)
    options = options._replace(idle_after=idle_after)
    server = Server(
        posix,
        listening,
        serving,
        table(serving, handlers),
        grants=grants,
        options=options,
        most_sessions=limits.sessions,
    )
    await server.begin()
    try:
        yield server
    finally:
        server.close()


class Server:
    """See `serve`."""

    def __init__(  # noqa: PLR0913 - as `serve`
        self,
        posix: Posix,
        listening: Listening,
        serving: type[Interface],
        handlers: Handlers,
        *,
        grants: Grants,
        options: Options,
        most_sessions: int,
    ) -> None:
        self._options = options
        self._most_sessions = most_sessions
        self._posix = posix
        self._listening = listening
        self._serving = serving
        self._handlers = handlers
        self._grants = grants
        self._clock = active_clock()
        self._links: set[Link[Interface]] = set()
        self._answers = Answers()

    @property
    def sessions(self) -> int:
        """How many are open."""
        return len(self._links)

    def drain(self) -> None:
        """Accept no more; sessions go on."""
        self._listening.stop()

    def close(self) -> None:
        """Accept no more and end every session."""
        self.drain()
        for link in list(self._links):
            link.close()

    async def finish(self, *, within: Seconds) -> None:
        """Accept no more, ask for no more requests, answer those that there are; after `within` seconds end all the same."""
        self.drain()
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*(link.finish() for link in self._links))
        except TimeoutError:
            _log.warning("requests were not answered in time", sessions=len(self._links), within=within)
        self.close()

    async def begin(self) -> None:
        """Take connections. Raises HostError when TLS cannot be used."""
        await self._listening.begin(self._admit)

    def _rights(self, caller: Caller) -> frozenset[str]:
        try:
            return self._grants(caller)
        except Exception as error:  # noqa: BLE001 - whoever cannot be judged is not let in
            _log.error("the table of rights failed", who=str(caller), error=repr(error))
            return frozenset()

    def _admit(self, carrier: Carrier, caller: Caller) -> None:
        rights = self._rights(caller)
        refusal: SnowFoxError | None = None
        if not rights:
            refusal = NotPermitted(f"cannot connect: {caller} may do nothing here", None)
        elif len(self._links) >= self._most_sessions:
            refusal = PeerError(f"cannot connect: {self._most_sessions} sessions are open", "try again later")
        name = str(caller) if caller.peer is None else f"pid {caller.peer.pid}"
        link: Link[Interface] = Link(
            self._posix,
            carrier,
            clock=self._clock,
            options=self._options._replace(name=name, rights=rights, passes=carrier.passes),
            serving=self._serving,
            handlers=self._handlers,
            caller=caller,
            answers=self._answers,
        )
        if refusal is not None:
            _log.warning("a connection was refused", why=str(refusal), who=str(caller), name=name)
            link.close(refusal)
            return
        self._links.add(link)
        link.when_closed(lambda: self._links.discard(link))


def _listening(posix: Posix, listener: int | str, serving: type[Interface], tls: Tls | None) -> Listening:
    """By accept where sessions go by sockets, else by the loop's transports, or without any."""
    if isinstance(listener, str):
        place = Endpoint.parse(listener, tls=tls)
        if place.kind != "here":
            raise UsageError(f"cannot serve {listener}: open a listening socket for it")
        return HereListening(posix, place.address.partition(":")[2])
    is_unix = parse(posix.sockets.address(listener)).is_unix
    if is_unix and tls is None and by_sockets(serving):
        return SocketListening(posix, listener, serving)
    return StreamListening(posix, listener, is_unix=is_unix, tls=tls)
