"""What a session has to send: frames joined into chunks, with the descriptors that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from snowfox.core.rpc import frame
from snowfox.errors import InternalError, PosixError

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.interface import Descriptor

CHUNK: Final = 64 << 10
"""Frames are joined into writes of about this many bytes."""

AHEAD: Final = 16 << 10
"""With so many bytes the other end can begin while we write down the rest."""

MOST_UNSENT: Final = 64 << 20
"""Bytes that a peer may leave unread; one more ends the session."""


_pack: Final = frame.HEADER.pack


class Outbox:
    """Bytes and descriptors that wait to be sent, in order.

    Args:
        passes: whether descriptors can be sent.

    A chunk with descriptors begins with the frame that they belong to: they are sent with its first byte.

    Attributes:
        size: bytes that wait.
        gone: bytes that went, ever.
        is_blocked: whether the socket took less than there was, the last time.
    """

    __slots__ = ("_chunks", "_passes", "_tail", "gone", "is_blocked", "size")

    def __init__(self, *, passes: bool = True) -> None:
        self._passes = passes
        # A list: there are few, and an empty deque would be a tenth of a session that does nothing.
        self._chunks: list[tuple[bytearray, tuple[int, ...]]] = []
        self._tail: bytearray | None = None  # the last chunk, where frames are joined to it
        self.size = 0
        self.gone = 0
        self.is_blocked = False

    def put(
        self,
        kind: int,
        request: int = 0,
        body: bytes = b"",
        descriptors: Sequence[Descriptor] = (),
        method: int = 0,
        number: int = 0,
    ) -> None:
        """Append a frame.

        Raises InternalError when it is too large, or has descriptors where none can pass; then they are still the caller's.
        """
        size = len(body)
        if size > frame.LIMIT:
            raise InternalError(f"cannot send a message of {size} bytes: at most {frame.LIMIT}")
        if descriptors:
            self._check(descriptors)
        head = _pack(size, kind, len(descriptors), method, request, number)
        tail = self._tail
        if tail is None or descriptors or len(tail) + size > CHUNK:
            tail = self._tail = bytearray(head)
            self._chunks.append((tail, tuple([one.take() for one in descriptors])))
        else:
            tail += head
        tail += body
        self.size += frame.SIZE + size

    def _check(self, descriptors: Sequence[Descriptor]) -> None:
        if not self._passes:
            raise InternalError("cannot send descriptors over this connection")
        if len(descriptors) > frame.MOST_DESCRIPTORS:
            raise InternalError(
                f"cannot send {len(descriptors)} descriptors at once: at most {frame.MOST_DESCRIPTORS}"
            )

    def send(self, posix: Posix, socket: int) -> bool:
        """Send what the socket takes; descriptors that went are closed here. Whether all went.

        Raises PosixError when the other end is gone.
        """
        chunks = self._chunks
        self._tail = None
        while chunks:
            data, descriptors = chunks[0]
            # A view, so that nothing is copied; released before the rest of it is cut off.
            with memoryview(data) as view:
                count = posix.sockets.send(socket, view, descriptors)
            if count is None:
                self.is_blocked = True
                return False
            self.size -= count
            self.gone += count
            if count == len(data):
                del chunks[0]
            else:
                chunks[0] = (data[count:], ())
            for number in descriptors:
                posix.files.close(number)
        self.is_blocked = False
        return True

    def pop(self) -> bytearray | None:
        """Take the next chunk, for a transport that keeps what it cannot send; None when nothing waits.

        Only where none passes descriptors: they would be lost.
        """
        taken = self.take()
        return None if taken is None else taken[0]

    def take(self) -> tuple[bytearray, tuple[int, ...]] | None:
        """Take the next chunk with its descriptors, which are the taker's from now on; None when nothing waits."""
        if not self._chunks:
            return None
        data, descriptors = self._chunks.pop(0)
        self._tail = None
        self.size -= len(data)
        self.gone += len(data)
        return data, descriptors

    def send_ahead(self, posix: Posix, socket: int) -> None:
        """Send, unless the socket is full. An error is left for the next `send`, which meets it again."""
        if not self.is_blocked:
            with suppress(PosixError):
                self.send(posix, socket)

    def drop(self) -> list[int]:
        """Forget everything. Returns descriptors to close."""
        numbers = [number for _, descriptors in self._chunks for number in descriptors]
        self._chunks.clear()
        self._tail = None
        self.size = 0
        self.is_blocked = False
        return numbers
