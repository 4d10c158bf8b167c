"""How an endpoint is reached: a connected carrier for each kind of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from snowfox.core.rpc.carrier import Carrier, SocketCarrier, StreamCarrier, by_sockets, passes
from snowfox.errors import ConnectionLost

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.endpoint import Endpoint
    from snowfox.core.rpc.interface import Interface


async def reach(posix: Posix, place: Endpoint, *interfaces: type[Interface] | None) -> Carrier:
    """Connect.

    Args:
        posix: the kernel.
        place: where.
        interfaces: what is called and served there.

    Raises PosixError or ConnectionLost when nobody is there, HostError when TLS cannot be used. A wait that is cancelled
    leaves nothing open.
    """
    if place.kind in {"tcp", "tls"}:
        return await _stream(place)
    if place.kind == "here":
        from snowfox.core.rpc.here import connected  # noqa: PLC0415 - it serves as well

        return connected(place.address.partition(":")[2])
    if place.kind == "fd":
        descriptor = int(place.address.partition(":")[2])
    else:
        descriptor = posix.sockets.connect(place.address, folder=place.folder)
    if by_sockets(*interfaces):
        return SocketCarrier(posix, descriptor, passes=passes(*interfaces))
    from snowfox.core.posix.streams import stream_of  # noqa: PLC0415 - for other loops only

    loop = asyncio.get_running_loop()
    _, carrier = await loop.create_unix_connection(StreamCarrier, sock=stream_of(descriptor))
    return carrier


async def _stream(place: Endpoint) -> Carrier:
    host, port = place.host_and_port
    context, name = None, None
    if place.tls is not None:
        from snowfox.core.rpc.tls import context as made  # noqa: PLC0415 - 19 ms

        context = made(place.tls, is_server=False)
        name = place.tls.name or host
    loop = asyncio.get_running_loop()
    try:
        _, carrier = await loop.create_connection(
            StreamCarrier, host, port, ssl=context, server_hostname=name
        )
    except OSError as error:  # ssl's errors are of it, too
        why = error.strerror or str(error) or type(error).__name__
        raise ConnectionLost(f"cannot connect to {place.address}: {why}") from error
    return carrier
