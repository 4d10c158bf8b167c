"""One look at an address: does it accept, and does it answer well?

Of HTTP (RFC 9112) only the status line is read: a probe asks nothing else.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PeerError

_LONGEST_STATUS_LINE: Final = 1024
_LONGEST_UNIX_PATH: Final = 107


def request(address: str, path: str) -> bytes:
    """The bytes of a GET."""
    host = "localhost" if address.startswith("unix:") else address
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: snowfox\r\nConnection: close\r\n\r\n".encode()


def status(line: bytes) -> int:
    """The code of a status line. Raises PeerError when it is none."""
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit() or len(code) != 3:
        msg = "what answered does not speak HTTP"
        raise PeerError(msg)
    return int(code)


class _Conversation(asyncio.Protocol):
    """Sends a request and keeps the first line of the answer."""

    def __init__(self, question: bytes) -> None:
        self._question = question
        self._data = b""
        self.line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        if self._question and isinstance(transport, asyncio.WriteTransport):
            transport.write(self._question)

    def data_received(self, data: bytes) -> None:
        """Keep the first line."""
        self._data += data
        line, end, _ = self._data.partition(b"\r\n")
        if (end or len(self._data) > _LONGEST_STATUS_LINE) and not self.line.done():
            self.line.set_result(line)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol says so
        """What came is all there is."""
        if not self.line.done():
            self.line.set_result(self._data)


async def look(posix: Posix, address: str, *, path: str | None) -> None:
    """Connect to `HOST:PORT` or `unix:PATH`; with `path` send a GET and want 2xx or 3xx.

    Raises PeerError or OSError with the reason. Without a deadline of its own.
    """
    question = request(address, path) if path is not None else b""
    transport, conversation = await _open(posix, address, question)
    try:
        if path is not None:
            code = status(await conversation.line)
            if not 200 <= code < 400:
                msg = f"it answered {code}"
                raise PeerError(msg)
    finally:
        transport.abort()


async def _open(posix: Posix, address: str, question: bytes) -> tuple[asyncio.WriteTransport, _Conversation]:
    loop = asyncio.get_running_loop()
    if address.startswith("unix:"):
        return await _open_unix(posix, address.removeprefix("unix:"), question)
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host != "localhost":
        return await loop.create_connection(lambda: _Conversation(question), host, int(port))
    # Asking the resolver would start a pool of threads for what every host knows.
    try:
        return await loop.create_connection(lambda: _Conversation(question), "127.0.0.1", int(port))
    except OSError:
        return await loop.create_connection(lambda: _Conversation(question), "::1", int(port))


async def _open_unix(
    posix: Posix, path: str, question: bytes
) -> tuple[asyncio.WriteTransport, _Conversation]:
    loop = asyncio.get_running_loop()
    if len(os.fsencode(path)) <= _LONGEST_UNIX_PATH:
        return await loop.create_unix_connection(lambda: _Conversation(question), path)
    folder, name = os.path.split(path)
    descriptor = posix.files.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        short = f"/proc/self/fd/{descriptor}/{name}"
        return await loop.create_unix_connection(lambda: _Conversation(question), short)
    finally:
        posix.files.close(descriptor)
