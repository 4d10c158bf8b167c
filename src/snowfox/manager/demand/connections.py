"""Whether a connection is open at listening sockets, whoever has it: by proc_net(5).

`tcp` and `tcp6` list addresses in hexadecimal, then the state; a connection at a socket has its port. `unix` lists a
path, which a connection has from the socket that it came to; a socket that was bound through a folder's descriptor has
the path by that descriptor.
"""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename
from typing import Final

from snowfox.core.posix import kernel_file
from snowfox.core.posix.address import Address, parse
from snowfox.core.posix.api import Posix

_ESTABLISHED, _CLOSE_WAIT = b"01", b"08"
_OPEN: Final = frozenset({_ESTABLISHED, _CLOSE_WAIT})
"""States of tcp(7) in which the service has yet to close it."""
_JOINED: Final = frozenset({b"02", b"03"})
"""States of unix sockets: to be accepted, and accepted."""
_BY_DESCRIPTOR: Final = b"/proc/self/fd/"


def is_busy(posix: Posix, addresses: Iterable[str]) -> bool:
    """Whether any of these has a connection that is open. What cannot be found out is not busy.

    Args:
        posix: the kernel.
        addresses: that the sockets really have, as `core.posix` reads them; those of datagrams have no connections.
    """
    found = [parse(one) for one in addresses]
    streams = [one for one in found if not one.is_datagram]
    ports = {b"%04X" % one.port for one in streams if not one.is_unix}
    if ports and any(_has_port(_lines(posix, f"/proc/net/{name}"), ports) for name in ("tcp", "tcp6")):
        return True
    units = [one for one in streams if one.is_unix]
    return bool(units) and _has_path(_lines(posix, "/proc/net/unix"), units)


def _has_port(lines: list[list[bytes]], ports: set[bytes]) -> bool:
    return any(len(one) > 3 and one[3] in _OPEN and one[1].rpartition(b":")[2] in ports for one in lines)


def _has_path(lines: list[list[bytes]], sockets: list[Address]) -> bool:
    paths = {one.path.encode() for one in sockets}
    names = {basename(one.path).encode() for one in sockets if not one.is_abstract}
    return any(
        len(one) > 7
        and one[5] in _JOINED
        and (one[7] in paths or (one[7].startswith(_BY_DESCRIPTOR) and one[7].rpartition(b"/")[2] in names))
        for one in lines
    )


def _lines(posix: Posix, file: str) -> list[list[bytes]]:
    """The fields of its lines, less the first one."""
    return [line.split() for line in kernel_file.content(posix, file).splitlines()[1:]]
