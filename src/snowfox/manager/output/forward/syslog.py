"""Lines as messages of syslog: RFC 5424, over UDP (RFC 5426), TCP (octet counting, RFC 6587) or a unix socket."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Final

from snowfox.contract.manager import LogLine
from snowfox.core.posix.address import parse
from snowfox.core.posix.api import Posix
from snowfox.manager.output.forward.datagrams import Datagrams
from snowfox.manager.output.forward.sink import Sink
from snowfox.service.entry import INFORMATIONAL, entry

FACILITIES: Final = {"user": 1, "daemon": 3} | {f"local{number}": 16 + number for number in range(8)}
"""Names of facilities and their numbers (RFC 5424, 6.2.1)."""
LONGEST: Final = 8192
"""Bytes of the text of one message; a longer line goes in several, as receivers cut what is longer."""
_WITHIN: Final = 10.0
_LONGEST_APP: Final = 48
_LONGEST_PROCESS: Final = 128


class Format:
    """Makes messages.

    Args:
        facility: its name.
        host: the name of this host.
    """

    def __init__(self, facility: str, host: str) -> None:
        self._facility = FACILITIES[facility] * 8
        self._host = host[:255] or "-"

    def messages(self, line: LogLine) -> Iterator[bytes]:
        """Those of an item, one a line, more of a long one."""
        service = line.instance.partition("@")[0][:_LONGEST_APP]
        named = f"{self._host} {service} {line.instance[:_LONGEST_PROCESS]} {line.stream or 'output'} - "
        middle = f">1 {_stamp(line.at)} {named}".encode("ascii", "replace")
        for text in line.text.split(b"\n"):
            found = entry(text) if text.startswith(b"{") else None
            severity = INFORMATIONAL if found is None else found.severity
            head = b"<%d%s" % (self._facility + severity, middle)
            for begin in range(0, len(text), LONGEST) or (0,):
                yield head + text[begin : begin + LONGEST]


class Syslog(Sink):
    """A server.

    Args:
        posix: the kernel.
        address: `udp:HOST:PORT`, `HOST:PORT`, `unix:PATH` (datagrams).
        facility: its name.
    """

    def __init__(self, posix: Posix, address: str, facility: str) -> None:
        self._format = Format(facility, os.uname().nodename)
        self._address = parse(address)
        where = f"unix-datagram:{self._address.path}" if self._address.is_unix else address
        self._datagrams = None if self._address.kind == "tcp" else Datagrams(posix, where)
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, lines: list[LogLine]) -> None:  # noqa: D102
        messages = [message for line in lines for message in self._format.messages(line)]
        if self._datagrams is not None:
            await self._datagrams.send(messages)
            return
        try:
            async with asyncio.timeout(_WITHIN):
                if self._writer is None or self._writer.is_closing():
                    _, self._writer = await asyncio.open_connection(self._address.host, self._address.port)
                self._writer.writelines(b"%d %s" % (len(message), message) for message in messages)
                await self._writer.drain()
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:  # noqa: D102
        if self._datagrams is not None:
            self._datagrams.close()
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


def _stamp(at: int) -> str:
    if not at:
        return "-"
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at / 1000))}.{at % 1000:03d}Z"
