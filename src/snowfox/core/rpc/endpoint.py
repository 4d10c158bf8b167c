"""Where the other end is: `unix:PATH`, `tcp:HOST:PORT`, `tls:HOST:PORT`, `fd:N` for an inherited socket, `here:NAME` in this process."""

from __future__ import annotations

from snowfox.core.named import NamedTuple
from snowfox.errors import UsageError

_KINDS = frozenset({"unix", "tcp", "tls", "fd", "here"})


class Tls(NamedTuple):
    """How both sides prove who they are. TLS 1.3 only.

    Args:
        authority: path of the certificates that are trusted, in PEM.
        certificate: path of our own, in PEM, with what stands between it and the authority.
        key: path of its key, in PEM.
        name: that the other end's certificate must have; "" is the host that is connected to.
    """

    authority: str
    certificate: str
    key: str
    name: str = ""


class Endpoint(NamedTuple):
    """A place to connect to.

    Args:
        address: as the module says.
        folder: an open folder that a unix path is relative to, or None. It stays the caller's.
        tls: for `tls:`.
    """

    address: str
    folder: int | None = None
    tls: Tls | None = None

    @property
    def kind(self) -> str:
        """`unix`, `tcp`, `tls`, `fd` or `here`."""
        return self.address.partition(":")[0]

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Of `tcp` and `tls`."""
        host, _, port = self.address.partition(":")[2].rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)

    @property
    def digest(self) -> str:
        """Equal for equal places, be it in another process: a pool of the same digest stays.

        An open folder and an inherited socket are this process's own.
        """
        return "\0".join((self.address, "" if self.folder is None else str(self.folder), *(self.tls or ())))

    @classmethod
    def parse(cls, text: str, *, tls: Tls | None = None) -> Endpoint:
        """Raises UsageError for anything else than the module says, and for `tls:` without `tls`."""
        kind, _, rest = text.partition(":")
        if kind not in _KINDS or not rest or not _is_place(kind, rest):
            raise UsageError(
                f'cannot connect to "{text}": not an endpoint',
                "for example unix:.snowfox/run/manager.sock, tcp:127.0.0.1:9000, tls:node-2:9000",
            )
        if (kind == "tls") != (tls is not None):
            why = "no certificate is given" if tls is None else "a certificate is for tls: only"
            raise UsageError(f'cannot connect to "{text}": {why}')
        return cls(text, tls=tls)


def _is_place(kind: str, rest: str) -> bool:
    if kind in {"unix", "here"}:
        return True
    if kind == "fd":
        return rest.isascii() and rest.isdigit()
    host, colon, port = rest.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= 65535
    has_brackets = host.startswith("[") and host.endswith("]")
    return bool(colon and host) and is_port and (has_brackets or ":" not in host)
