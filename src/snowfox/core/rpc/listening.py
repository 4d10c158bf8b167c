"""How connections are taken: by accept, where descriptors may pass, by the loop's own transports (TCP, TLS), or `here`."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from snowfox.core import log
from snowfox.core.rpc.carrier import Carrier, SocketCarrier, StreamCarrier, passes
from snowfox.core.rpc.serving import Caller
from snowfox.core.rpc.session import GREETED_WITHIN
from snowfox.errors import PosixError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.posix.api import Credentials, Posix
    from snowfox.core.rpc.endpoint import Tls
    from snowfox.core.rpc.interface import Interface

Admit = Callable[[Carrier, Caller], object]
"""Takes a connection, and who is there."""

ACCEPTED_AT_ONCE: Final = 64
PAUSE: Final[Seconds] = 0.1
"""How long nobody is accepted after a connection could not be taken, as when descriptors are used up."""

_log = log.get("rpc")


class Listening(ABC):
    """Takes connections of a listener, which stays the caller's.

    Attributes:
        is_near: whether it is told when a client is gone: the same host.
    """

    is_near: bool = False

    @abstractmethod
    async def begin(self, admit: Admit) -> None:
        """Give each connection to `admit` from now on."""

    @abstractmethod
    def stop(self) -> None:
        """Take no more. A second time is fine."""


class SocketListening(Listening):
    """Of a unix socket, by accept.

    Args:
        posix: the kernel.
        listener: listening and non-blocking.
        serving: what is served there.
    """

    is_near = True

    def __init__(self, posix: Posix, listener: int, serving: type[Interface]) -> None:
        self._serving = serving
        self._posix = posix
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._admit: Admit | None = None
        self._resume: asyncio.TimerHandle | None = None

    async def begin(self, admit: Admit) -> None:  # noqa: D102
        self._admit = admit
        self._loop.add_reader(self._listener, self._accept)

    def stop(self) -> None:  # noqa: D102
        self._admit = None
        self._loop.remove_reader(self._listener)
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self._admit is None:
                return
            try:
                socket = self._posix.sockets.accept(self._listener)
            except PosixError as error:
                _log.warning("cannot take a connection", error=str(error))
                self._loop.remove_reader(self._listener)
                self._resume = self._loop.call_later(PAUSE, self._again)
                return
            if socket is None:
                return
            self._take(socket, self._admit)

    def _again(self) -> None:
        self._resume = None
        self._loop.add_reader(self._listener, self._accept)

    def _take(self, socket: int, admit: Admit) -> None:
        try:
            peer = self._posix.sockets.peer(socket)
        except PosixError as error:
            _log.warning("a connection without credentials", error=str(error))
            self._posix.files.close(socket)
            return
        admit(SocketCarrier(self._posix, socket, passes=passes(self._serving)), Caller(peer))


class StreamListening(Listening):
    """By transports of the running loop.

    Args:
        posix: the kernel.
        listener: listening and non-blocking.
        is_unix: whether the kernel knows who is there.
        tls: both sides prove who they are, by this; None: TCP or unix without it.
    """

    def __init__(self, posix: Posix, listener: int, *, is_unix: bool, tls: Tls | None) -> None:
        self._posix = posix
        self._listener = listener
        self.is_near = is_unix
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def begin(self, admit: Admit) -> None:  # noqa: D102
        from snowfox.core.posix.streams import stream_of  # noqa: PLC0415 - only what has streams needs it

        context = None
        if self._tls is not None:
            from snowfox.core.rpc.tls import context as made  # noqa: PLC0415 - 19 ms

            context = made(self._tls, is_server=True)
        own = stream_of(self._posix.files.duplicate(self._listener))
        loop = asyncio.get_running_loop()
        factory = partial(StreamCarrier, partial(self._made, admit))
        if self.is_near:
            self._server = await loop.create_unix_server(factory, sock=own)
        else:
            within = None if context is None else GREETED_WITHIN
            self._server = await loop.create_server(
                factory, sock=own, ssl=context, ssl_handshake_timeout=within
            )

    def stop(self) -> None:  # noqa: D102
        if self._server is not None:
            self._server.close()
            self._server = None

    def _made(self, admit: Admit, carrier: StreamCarrier) -> None:
        admit(carrier, Caller(self._peer(carrier) if self.is_near else None, carrier.certified()))

    def _peer(self, carrier: StreamCarrier) -> Credentials | None:
        try:
            return self._posix.sockets.peer(carrier.descriptor())
        except PosixError as error:
            _log.warning("a connection without credentials", error=str(error))
            return None
