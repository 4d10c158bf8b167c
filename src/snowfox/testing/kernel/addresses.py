"""Who is bound to which port and abstract name of the fake kernel."""

from __future__ import annotations

import errno
from typing import Final

from snowfox.core.posix.address import Address
from snowfox.testing.kernel.disk import SocketNode, fault
from snowfox.testing.kernel.wire import FakeSocket

_FIRST_FREE_PORT: Final = 32768


class Addresses:
    """All bound sockets without a file."""

    def __init__(self) -> None:
        self._sockets: dict[tuple[str, str, int], list[FakeSocket]] = {}
        self._last_port = _FIRST_FREE_PORT - 1

    def claim(self, where: Address, socket: FakeSocket) -> Address:
        """Bind to a host and port or an abstract name; the port that was chosen. Raises OSError EADDRINUSE."""
        if not where.is_unix and where.port == 0:
            self._last_port += 1
            where = where._replace(port=self._last_port)
        others = self._rivals(where, socket)
        if any(other.is_listening or not other.is_shared for other in others):
            raise fault(errno.EADDRINUSE)
        self._sockets.setdefault((where.kind, where.path, where.port), []).append(socket)
        socket.bound = where
        return where

    def may_listen(self, socket: FakeSocket) -> bool:
        """Two may be bound with SO_REUSEADDR, one may listen, unless the other is reserved."""
        where = socket.bound
        return where is None or not any(
            other.is_listening or not other.is_shared for other in self._rivals(where, socket)
        )

    def bound(self, where: Address) -> FakeSocket | None:
        """Who gets what is sent or connected there."""
        found = None
        for socket in self._alive(where):
            if socket.is_listening or socket.is_datagram:
                found = socket
        return found

    def _alive(self, where: Address) -> list[FakeSocket]:
        sockets = self._sockets.get((where.kind, where.path, where.port), [])
        sockets[:] = [socket for socket in sockets if not socket.is_closed]
        return [socket for socket in sockets if socket.bound is not None and _overlap(socket.bound, where)]

    def _rivals(self, where: Address, socket: FakeSocket) -> list[FakeSocket]:
        return [other for other in self._alive(where) if other is not socket]


def bound_to(node: object) -> FakeSocket | None:
    """The socket bound to a file, while it is open."""
    bound = node.bound if isinstance(node, SocketNode) else None
    return None if bound is None or bound.is_closed else bound


def _overlap(one: Address, other: Address) -> bool:
    """The same host, or one of them is every host of its family."""
    if one.is_v6 != other.is_v6:
        return False
    return one.host == other.host or bool({one.host, other.host} & {"0.0.0.0", "::"})
