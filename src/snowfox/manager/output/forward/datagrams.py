"""Datagrams to one address, without waiting in the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import DeadlineExceeded, PosixError

_PAUSE: Final = 0.005
_TRIES: Final = 2000


class Datagrams:
    """A socket that is opened when it is needed, and again after it was refused.

    Args:
        posix: the kernel.
        address: `udp:HOST:PORT` or `unix-datagram:PATH`.
    """

    def __init__(self, posix: Posix, address: str) -> None:
        self._posix = posix
        self._address = address
        self._socket = -1

    async def send(self, messages: Iterable[bytes]) -> None:
        """Send each. Raises PosixError when nobody is there, DeadlineExceeded when nobody takes them."""
        if self._socket < 0:
            self._socket = self._posix.sockets.connect(self._address)
        try:
            for message in messages:
                await self._send(message)
        except PosixError:
            self.close()
            raise

    async def _send(self, message: bytes) -> None:
        for _ in range(_TRIES):
            if self._posix.sockets.send(self._socket, message) is not None:
                return
            await asyncio.sleep(_PAUSE)
        msg = f"cannot send to {self._address}: it takes nothing"
        raise DeadlineExceeded(msg)

    def close(self) -> None:
        """Close the socket."""
        if self._socket >= 0:
            self._posix.files.close(self._socket)
            self._socket = -1
