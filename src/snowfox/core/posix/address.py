"""Addresses of sockets as people write them, read and printed here for all kernels.

`unix:PATH`, `unix:@ABSTRACT`, `unix-datagram:...`, `HOST:PORT`, `[HOST]:PORT`, `udp:HOST:PORT`, `udp:[HOST]:PORT`.
A host is numeric, `localhost` (127.0.0.1) or `*` (0.0.0.0): names are never looked up, which would block.
"""

from __future__ import annotations

from snowfox.core.named import NamedTuple

_NAMED = {"localhost": "127.0.0.1", "*": "0.0.0.0", "": "0.0.0.0"}  # noqa: S104 - only when asked for
_EVERY = {"0.0.0.0", "::"}  # noqa: S104 - compared with


class Address(NamedTuple):
    """Where a socket is.

    Args:
        kind: `unix`, `tcp` or `udp`; `unix-datagram`.
        host: of tcp and udp, numeric.
        port: of tcp and udp; 0 lets the kernel choose.
        path: of unix; an abstract name begins with `@`.
    """

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_unix(self) -> bool:
        """Whether it is a path or an abstract name."""
        return self.kind.startswith("unix")

    @property
    def is_abstract(self) -> bool:
        """Whether it is a name without a file (unix(7))."""
        return self.path.startswith("@")

    @property
    def is_datagram(self) -> bool:
        """Whether its sockets carry datagrams."""
        return self.kind in {"udp", "unix-datagram"}

    @property
    def is_v6(self) -> bool:
        """Whether its host is of IPv6."""
        return ":" in self.host

    def overlaps(self, other: Address) -> bool:
        """Whether one socket at most can listen at both: the same path, or port and host, where one may be every host.

        IPv6 has its own ports: sockets are made with IPV6_V6ONLY.
        """
        if self.kind != other.kind:
            return False
        if self.is_unix:
            return self.path == other.path
        hosts = {self.host, other.host}
        return (
            self.port == other.port
            and self.is_v6 == other.is_v6
            and (len(hosts) == 1 or bool(hosts & _EVERY))
        )

    def __str__(self) -> str:
        if self.is_unix:
            return f"{self.kind}:{self.path}"
        host = f"[{self.host}]" if self.is_v6 else self.host
        return f"{'udp:' if self.kind == 'udp' else ''}{host}:{self.port}"


def parse(text: str) -> Address:
    """The address that `text` writes. Raises ValueError with a sentence for a person.

    A host is not checked beyond its brackets: the kernel's libraries do that.
    """
    kind, _, rest = text.partition(":")
    if kind in {"unix", "unix-datagram"}:
        if not rest or rest == "@" or "\0" in rest:
            msg = f'"{text}" names no path'
            raise ValueError(msg)
        return Address(kind, path=rest)
    kind, rest = ("udp", rest) if kind == "udp" else ("tcp", text)
    host, colon, port = rest.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        msg = f'"{text}" is not HOST:PORT with a port up to 65535'
        raise ValueError(msg)
    if host.startswith("[") and host.endswith("]"):
        return Address(kind, host[1:-1], int(port))
    if ":" in host:
        msg = f'"{text}" needs brackets around an IPv6 address'
        raise ValueError(msg)
    return Address(kind, _NAMED.get(host, host), int(port))
