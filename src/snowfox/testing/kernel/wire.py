"""Sockets of the fake kernel: streams and datagrams with descriptors and credentials."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable

from snowfox.core.named import NamedTuple
from snowfox.core.posix.address import Address
from snowfox.core.posix.api import Credentials
from snowfox.testing.kernel.disk import fault
from snowfox.testing.kernel.opened import Opened, Readiness

_QUEUE_SIZE = 212_992  # net.core.wmem_default


class Chunk(NamedTuple):
    """What one send gave: descriptors come with its first byte."""

    data: bytes
    descriptors: tuple[Opened, ...]
    sender: Credentials


class Taken(NamedTuple):
    """What one receive gets; `descriptors` are held for the receiver."""

    data: bytes
    descriptors: tuple[Opened, ...]
    sender: Credentials | None
    truncated: bool


class FakeSocket(Opened):
    """A socket in any state.

    Args:
        kind: of an `Address`.
        owner: credentials of whoever made it.
        takes_credentials: whether a receive tells the sender.
    """

    def __init__(self, kind: str, owner: Credentials, *, takes_credentials: bool = False) -> None:
        super().__init__()
        self.blocking = False
        self.kind = kind
        self.owner = owner
        self.takes_credentials = takes_credentials
        self.bound: Address | None = None
        self.is_shared = kind == "tcp"
        self.backlog: int | None = None
        self.waiting: deque[FakeSocket] = deque()
        self.peer: FakeSocket | None = None
        self.peer_owner: Credentials | None = None
        self.queue: deque[Chunk] = deque()
        self.is_closed = False
        self.ended = False
        self.pending = 0
        self.notice: Callable[[], None] | None = None

    @property
    def is_datagram(self) -> bool:
        """Whether it keeps the borders of what is sent."""
        return self.kind in {"udp", "unix-datagram"}

    @property
    def is_listening(self) -> bool:
        """Whether it accepts."""
        return self.backlog is not None and not self.is_closed

    def join(self, other: FakeSocket) -> None:
        """Connect two stream sockets."""
        self.peer, other.peer = other, self
        self.peer_owner, other.peer_owner = other.owner, self.owner

    def stir(self) -> None:
        """Something came for it."""
        if self.notice is not None:
            self.notice()

    def release(self) -> None:
        """Closed: the other end reads its end, or a reset where we left something unread (unix(7) keeps the rest)."""
        self.is_closed = True
        other = self.peer
        if other is not None and not self.is_datagram and not other.is_closed:
            other.ended = True
            if self.queue:
                other.pending = errno.ECONNRESET
        for chunk in self.queue:
            for opened in chunk.descriptors:
                opened.drop()
        self.queue.clear()
        for never_accepted in self.waiting:
            never_accepted.hold()
            never_accepted.drop()
        self.waiting.clear()

    def readiness(self) -> Readiness | None:
        """A listening socket is readable when a connection waits."""
        if self.is_listening:
            return Readiness(readable=bool(self.waiting))
        if self.is_datagram:
            return Readiness(readable=bool(self.queue), writable=True)
        if self.peer is None:
            return Readiness(writable=True, ended=True)
        writable = self.ended or self.peer.size < _QUEUE_SIZE
        return Readiness(bool(self.queue) or self.ended, writable, self.ended)

    @property
    def size(self) -> int:
        """Bytes that wait to be received."""
        return sum(len(chunk.data) for chunk in self.queue)

    def read(self, size: int) -> bytes | None:
        """As a receive whose descriptors are dropped."""
        taken = self.receive(size, most=0)
        return None if taken is None else taken.data

    def write(self, data: bytes) -> int | None:
        """As a send without descriptors; the sender is whoever made the socket."""
        return self.send(data, (), self.owner)

    def send(self, data: bytes, descriptors: tuple[Opened, ...], sender: Credentials) -> int | None:
        """Into the other end's queue. Raises OSError ENOTCONN, EPIPE, ECONNREFUSED, EMSGSIZE."""
        other = self.peer
        if other is None:
            raise fault(errno.ENOTCONN)
        if other.is_closed:
            raise fault(errno.ECONNREFUSED if self.is_datagram else errno.EPIPE)
        if self.is_datagram and len(data) > _QUEUE_SIZE:
            raise fault(errno.EMSGSIZE)
        room = _QUEUE_SIZE - other.size
        if room <= 0 or (self.is_datagram and room < len(data)):
            self.must_not_wait("send")
            return None
        if not data and not self.is_datagram:
            return 0
        for opened in descriptors:
            opened.hold()
        other.queue.append(Chunk(data[:room], descriptors, sender))
        other.stir()
        return min(room, len(data))

    def receive(self, size: int, *, most: int) -> Taken | None:
        """What waits; a stream goes on over borders until descriptors came or the sender differs."""
        if self.is_listening or (self.peer is None and not self.is_datagram):
            raise fault(errno.EINVAL if self.is_listening else errno.ENOTCONN)
        if not self.queue:
            return self._receive_nothing()
        if self.is_datagram:
            chunk = self.queue.popleft()
            return self._taken(chunk.data[:size], chunk, most, lost=len(chunk.data) > size)
        data = b""
        first = self.queue[0]
        while self.queue and len(data) < size:
            chunk = self.queue[0]
            if self.takes_credentials and chunk.sender != first.sender:
                break
            self.queue.popleft()
            taken = chunk.data[: size - len(data)]
            data += taken
            if len(taken) < len(chunk.data):
                self.queue.appendleft(Chunk(chunk.data[len(taken) :], (), chunk.sender))
            if chunk.descriptors:
                return self._taken(data, chunk, most, lost=False)
        return self._taken(data, first, most, lost=False)

    def _receive_nothing(self) -> Taken | None:
        if self.pending:
            number, self.pending = self.pending, 0
            raise fault(number)
        if self.ended:
            return Taken(b"", (), None, truncated=False)
        self.must_not_wait("receive")
        return None

    def _taken(self, data: bytes, chunk: Chunk, most: int, *, lost: bool) -> Taken:
        for opened in chunk.descriptors[most:]:
            opened.drop()
        sender = chunk.sender if self.takes_credentials else None
        return Taken(data, chunk.descriptors[:most], sender, lost or len(chunk.descriptors) > most)
