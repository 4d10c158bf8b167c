"""Ask another end, in an asyncio loop.

```python
async with connect("unix:.snowfox/run/manager.sock", Manager) as manager:
    promise = manager.restart("web")               # sent now
    await promise
```
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

from snowfox.core.clock import active as active_clock
from snowfox.core.posix.active import active
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.carrier import SocketCarrier
from snowfox.core.rpc.endpoint import Endpoint
from snowfox.core.rpc.handlers import Handlers, table
from snowfox.core.rpc.interface import Interface
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.message import Wires, small
from snowfox.core.rpc.reaching import reach
from snowfox.core.rpc.session import CLIENT, Options

I = TypeVar("I", bound=Interface)  # noqa: E741 - an interface


@asynccontextmanager
async def connect(
    endpoint: str | Endpoint,
    calling: type[I],
    *,
    serving: type[Interface] | None = None,
    handlers: object | None = None,
    wires: Wires = small,
) -> AsyncGenerator[I]:
    """The other end's interface, for the block; leaving it ends the session.

    Args:
        endpoint: where; as text one without TLS.
        calling: what is served there.
        serving: what we serve on the same session.
        handlers: an object whose methods serve it, marked with `handlers.handles`.
        wires: how messages are written and read; `fast.fast` is faster, for 32 ms of import.

    Raises PosixError or ConnectionLost when nobody listens there, UsageError for what is no endpoint, HostError when TLS
    cannot be used, InternalError when a handler is missing.
    """
    place = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
    found = {} if serving is None or handlers is None else table(serving, handlers)
    link = await join(active(), place, calling, serving=serving, handlers=found, wires=wires)
    try:
        yield link.remote
    finally:
        link.close()


async def join(
    posix: Posix,
    place: Endpoint,
    calling: type[I],
    *,
    serving: type[Interface] | None = None,
    handlers: Handlers | None = None,
    wires: Wires = small,
) -> Link[I]:
    """A session with who is there, as a client has it. Raises as `connect`; a wait that is cancelled leaves nothing open."""
    carrier = await reach(posix, place, calling, serving)
    options = CLIENT._replace(wires=wires, passes=carrier.passes)
    return Link(
        posix,
        carrier,
        clock=active_clock(),
        options=options,
        calling=calling,
        serving=serving,
        handlers=handlers,
    )


async def attach(
    descriptor: int,
    *,
    calling: type[I],
    serving: type[Interface] | None = None,
    handlers: object | None = None,
    name: str,
    rights: frozenset[str] = frozenset(),
) -> Link[I]:
    """A session over an inherited socket, both ends calling and serving. The other end watches for silence.

    Args:
        descriptor: a connected non-blocking unix stream socket; the link's from now on.
        calling: what the other end serves.
        serving: what we serve.
        handlers: an object whose methods serve it, marked with `handlers.handles`.
        name: of the other end, for messages.
        rights: what it may do here.

    Raises InternalError when a handler is missing.
    """
    found = {} if serving is None or handlers is None else table(serving, handlers)
    options = Options(name, ping_after=None, dead_after=None, rights=rights)
    posix = active()
    return Link(
        posix,
        SocketCarrier(posix, descriptor),
        clock=active_clock(),
        options=options,
        serving=serving,
        handlers=found,
        calling=calling,
    )
