"""Lines to the journal of systemd, by its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, Final

from snowfox.contract.manager import LogLine
from snowfox.core.posix.api import Posix
from snowfox.manager.output.forward.datagrams import Datagrams
from snowfox.manager.output.forward.sink import Sink
from snowfox.service.entry import INFORMATIONAL, entry

SOCKET: Final = "/run/systemd/journal/socket"
"""Where the journal listens."""
_MOST_FIELDS: Final = 30
_LONGEST: Final = 48 << 10
_SIZE: Final = struct.Struct("<Q")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,60}\Z")
_OURS: Final = frozenset({"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"})


class Journal(Sink):
    """The journal of this host.

    Args:
        posix: the kernel.
        path: of its socket.
    """

    def __init__(self, posix: Posix, path: str = SOCKET) -> None:
        self._datagrams = Datagrams(posix, f"unix-datagram:{path}")

    async def send(self, lines: list[LogLine]) -> None:  # noqa: D102
        await self._datagrams.send(message for line in lines for message in messages(line))

    async def close(self) -> None:  # noqa: D102
        self._datagrams.close()


def messages(line: LogLine) -> Iterator[bytes]:
    """Those of an item, one a line, more of a long one. Fields of a structured line are fields of its message."""
    common = _field("SYSLOG_IDENTIFIER", line.instance.partition("@")[0].encode())
    common += _field("SNOWFOX_INSTANCE", line.instance.encode())
    if line.stream:
        common += _field("SNOWFOX_STREAM", line.stream.encode())
    for text in line.text.split(b"\n"):
        found = entry(text) if text.startswith(b"{") else None
        if found is not None and len(text) <= _LONGEST:
            message = found.message.encode("utf-8", "replace") or text
            fields = _field("PRIORITY", b"%d" % found.severity) + _further(found.fields)
            yield _field("MESSAGE", message) + fields + common
            continue
        for begin in range(0, len(text), _LONGEST) or (0,):
            yield (
                _field("MESSAGE", text[begin : begin + _LONGEST])
                + _field("PRIORITY", b"%d" % INFORMATIONAL)
                + common
            )


def _further(fields: dict[str, Any]) -> bytes:
    result = b""
    for key, value in list(fields.items())[:_MOST_FIELDS]:
        name = re.sub("[^A-Z0-9_]", "_", key.upper()).lstrip("_0123456789")
        if _NAME.match(name) and name not in _OURS and isinstance(value, str | int | float):
            result += _field(name, str(value).encode("utf-8", "replace"))
    return result


def _field(name: str, value: bytes) -> bytes:
    if b"\n" not in value and value.isascii():
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), _SIZE.pack(len(value)), value)
