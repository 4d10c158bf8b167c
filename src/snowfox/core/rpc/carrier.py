"""What moves a session's bytes in an asyncio loop: a socket that passes descriptors, a stream (TCP, TLS), or `here`.

A `SocketCarrier` waits by `add_reader` and reads with recvmsg, because stream transports lose descriptors: on asyncio's
own loop that costs nothing, under uvloop half the speed. Where no descriptors pass it reads with read, which is cheaper;
the kernel closes those that come all the same. A `StreamCarrier` is a protocol of the loop's own transports
with one receive buffer for all of them, and refuses descriptors.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from snowfox.core import log
from snowfox.core.rpc import frame
from snowfox.core.rpc.form import passes_descriptors
from snowfox.core.rpc.interface import Interface
from snowfox.errors import ConnectionLost, PosixError, ProtocolError, SnowFoxError
from snowfox.values import Seconds

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.outbox import Outbox

_log = log.get("rpc")

LINGER: Final[Seconds] = 5.0
"""How long a transport that was closed may take to send its last."""

_AHEAD: Final = 512 << 10
"""Bytes that a transport may hold unsent; what is more waits in the outbox. With the usual 64 KiB each large frame would pause it."""

_BUFFER: Final = memoryview(bytearray(frame.READ))
"""Where all streams read: a loop reads one at a time, and what is kept of it is copied.

A view, because asyncio's TLS fills slices of it, and a slice of a bytearray is a copy.
"""


def by_sockets(*interfaces: type[Interface] | None) -> bool:
    """Whether unix sessions of these go by a `SocketCarrier` in the running loop.

    That is where asyncio's own loop makes it free, and elsewhere where descriptors may pass.
    """
    return isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop) or passes(*interfaces)


def passes(*interfaces: type[Interface] | None) -> bool:
    """Whether descriptors may pass in sessions of these."""
    found: list[Any] = [one for one in interfaces if one is not None]
    return any(map(passes_descriptors, found))


class Hears(Protocol):
    """Whom a carrier tells."""

    def heard(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        """Bytes came."""
        ...

    def lost(self, error: SnowFoxError | None) -> None:
        """The transport is at its end, with an error or without."""
        ...

    def drained(self) -> None:
        """What could not be sent before may go now."""
        ...


class Carrier(ABC):
    """Moves the bytes of one session.

    Attributes:
        passes: whether descriptors go along.
    """

    passes: bool = False

    @abstractmethod
    def begin(self, hears: Hears) -> None:
        """Tell what comes, from now on."""

    @abstractmethod
    def send(self, outbox: Outbox) -> None:
        """Send what it takes now; for the rest `drained` is told. An error is told as `lost`."""

    @abstractmethod
    def send_ahead(self, outbox: Outbox) -> None:
        """Send what it takes before the turn ends, so that the other end can begin. An error is left for `send`."""

    @abstractmethod
    def end(self, outbox: Outbox) -> None:
        """Send the last that is taken at once, and close."""


class SocketCarrier(Carrier):
    """Over a connected non-blocking unix stream socket, which is the carrier's from now on.

    Args:
        posix: the kernel.
        socket: the socket.
        passes: whether descriptors may come.
    """

    def __init__(self, posix: Posix, socket: int, *, passes: bool = True) -> None:
        self.passes = passes
        self._posix = posix
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._is_writing = False
        self._had_descriptors = False
        self._hears: Hears | None = None

    def begin(self, hears: Hears) -> None:  # noqa: D102
        self._hears = hears
        self._loop.add_reader(self._socket, self._readable)

    def send(self, outbox: Outbox) -> None:  # noqa: D102
        try:
            outbox.send(self._posix, self._socket)
        except PosixError as error:
            # The other end left; what it said before may tell why.
            self._read()
            if self._hears is not None:
                self._hears.lost(ConnectionLost(str(error)))
            return
        if outbox.is_blocked != self._is_writing:
            self._is_writing = outbox.is_blocked
            if self._is_writing:
                self._loop.add_writer(self._socket, self._writable)
            else:
                self._loop.remove_writer(self._socket)

    def send_ahead(self, outbox: Outbox) -> None:  # noqa: D102
        outbox.send_ahead(self._posix, self._socket)

    def end(self, outbox: Outbox) -> None:  # noqa: D102
        try:
            outbox.send(self._posix, self._socket)
        except PosixError as error:
            _log.debug("the other end left first", error=str(error))
        self._hears = None
        self._loop.remove_reader(self._socket)
        if self._is_writing:
            self._loop.remove_writer(self._socket)
        self._posix.files.close(self._socket)

    def _readable(self) -> None:
        if not self.passes:
            self._read()
            return
        # A message with descriptors is read alone: what came behind it is taken in the same turn of the loop.
        for _ in range(frame.MOST_READS):
            self._had_descriptors = False
            self._read()
            if not self._had_descriptors or self._hears is None:
                return

    def _writable(self) -> None:
        if self._hears is not None:
            self._hears.drained()

    def _read(self) -> None:
        hears = self._hears
        if hears is None:
            return
        descriptors: tuple[int, ...] = ()
        try:
            if not self.passes:
                data = self._posix.files.read(self._socket, frame.READ)
                if data is None:
                    return
            else:
                got = self._posix.sockets.receive(self._socket, frame.READ, most=frame.MOST_DESCRIPTORS)
                if got is None:
                    return
                data, descriptors = got.data, got.descriptors
                if got.truncated:
                    for number in descriptors:
                        self._posix.files.close(number)
                    hears.lost(ProtocolError("descriptors were lost: too many are open here"))
                    return
                self._had_descriptors = bool(descriptors)
        except PosixError as error:
            hears.lost(ConnectionLost(str(error)))
            return
        if data:
            hears.heard(data, descriptors)
        else:
            hears.lost(None)


class StreamCarrier(Carrier, asyncio.BufferedProtocol):
    """Over a transport of the running loop: made by it, for `create_connection` and its like.

    Args:
        when_made: called with the carrier once there is a connection.
    """

    def __init__(self, when_made: Callable[[StreamCarrier], object] | None = None) -> None:
        self._when_made = when_made
        self.transport: asyncio.Transport | None = None
        self._hears: Hears | None = None
        self._is_paused = False
        self._is_lost = False
        self._error: SnowFoxError | None = None
        self._early = b""  # a loop may read before it heeds that nobody hears yet
        self._giving_up: asyncio.TimerHandle | None = None

    def begin(self, hears: Hears) -> None:  # noqa: D102
        self._hears = hears
        asyncio.get_running_loop().call_soon(self._catch_up)

    def _catch_up(self) -> None:
        early, self._early = self._early, b""
        if self._hears is not None and early:
            self._hears.heard(early, ())
        if self._hears is not None and self._is_lost:
            self._hears.lost(self._error)
        elif self.transport is not None:
            self.transport.resume_reading()

    def send(self, outbox: Outbox) -> None:  # noqa: D102
        transport = self.transport
        if transport is None or self._is_lost:
            return
        outbox.is_blocked = self._is_paused
        while outbox.size and not self._is_paused and (chunk := outbox.pop()) is not None:
            transport.write(chunk)
        outbox.is_blocked = self._is_paused and outbox.size > 0

    def send_ahead(self, outbox: Outbox) -> None:  # noqa: D102
        self.send(outbox)

    def end(self, outbox: Outbox) -> None:  # noqa: D102
        self._hears = None
        if self.transport is None:
            return
        if self._is_paused:  # what the other end did not read yet it gets no more of
            self.transport.abort()
            return
        if not self._is_lost:
            while (chunk := outbox.pop()) is not None:
                self.transport.write(chunk)
        self.transport.close()
        if self.transport.get_write_buffer_size() and not self._is_lost:
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(LINGER, self.transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """By the loop. Nothing is read before somebody hears."""
        # uvloop's transports are of no class of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.transport.pause_reading()
        self.transport.set_write_buffer_limits(high=_AHEAD)
        if self._when_made is not None:
            self._when_made(self)

    def certified(self) -> str:
        """The name in the other end's certificate, which was verified; "" without TLS."""
        certificate = None if self.transport is None else self.transport.get_extra_info("peercert")
        if not certificate:
            return ""
        from snowfox.core.rpc.tls import name_in  # noqa: PLC0415 - only where there is TLS

        return name_in(certificate)

    def descriptor(self) -> int:
        """Of the socket, which stays the transport's; -1 once it is gone."""
        socket = None if self.transport is None else self.transport.get_extra_info("socket")
        return -1 if socket is None else int(socket.fileno())

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as the loop has it
        """By the loop."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """By the loop."""
        data = bytes(_BUFFER[:nbytes])
        if self._hears is None or self._early:
            self._early += data
        else:
            self._hears.heard(data, ())

    def pause_writing(self) -> None:
        """By the loop."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """By the loop."""
        self._is_paused = False
        if self._hears is not None:
            self._hears.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """By the loop."""
        self._is_lost = True
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._error = None if exc is None else ConnectionLost(str(exc) or type(exc).__name__)
        if self._hears is not None:
            self._hears.lost(self._error)
