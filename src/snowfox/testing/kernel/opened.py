"""Open file descriptions of the fake kernel: what descriptors of one or several processes refer to."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from snowfox.core.named import NamedTuple
from snowfox.testing.kernel.disk import FolderNode, Node, RegularFile, fault

if TYPE_CHECKING:
    from snowfox.testing.kernel.process import FakeProcess

_PIPE_SIZE = 65536
_PIPE_ATOM = 4096


class Stuck(AssertionError):
    """A fake process waits for what nothing can bring about: a test would hang here."""


class Readiness(NamedTuple):
    """What epoll(7) would say: EPOLLIN, EPOLLOUT, and EPOLLHUP or EPOLLERR."""

    readable: bool = False
    writable: bool = False
    ended: bool = False


class Opened:
    """An open file description. Here: of a kind that can neither be read nor written."""

    def __init__(self) -> None:
        self.references = 0
        self.blocking = True
        self.node: Node | None = None

    def hold(self) -> None:
        """One descriptor more."""
        self.references += 1

    def drop(self) -> None:
        """One descriptor less; the last one frees the lock and what the kind holds."""
        self.references -= 1
        if self.references == 0:
            if self.node is not None and self.node.holder is self:
                self.node.holder = None
            self.release()

    def release(self) -> None:
        """The last descriptor is closed."""

    def readiness(self) -> Readiness | None:
        """What a poller sees; None for what cannot be waited for (EPERM)."""
        return Readiness()

    def read(self, size: int) -> bytes | None:
        """Up to `size` bytes; None instead of EAGAIN."""
        _ = size
        raise fault(errno.EINVAL)

    def write(self, data: bytes) -> int | None:
        """How many bytes went; None instead of EAGAIN."""
        _ = data
        raise fault(errno.EINVAL)

    def must_not_wait(self, what: str) -> None:
        """EAGAIN is fine; a blocking description would hang the test. Raises Stuck."""
        if self.blocking:
            msg = f"a blocking {what} would wait for ever"
            raise Stuck(msg)


class OpenFile(Opened):
    """A regular file with a position."""

    def __init__(self, node: RegularFile, flags: int) -> None:
        super().__init__()
        self.node = node
        self._file = node
        self.flags = flags
        self._position = 0

    def readiness(self) -> Readiness | None:
        """A file of a disk cannot be waited for."""
        return None

    def read(self, size: int) -> bytes | None:
        """From the position on."""
        data = self.read_at(size, self._position)
        self._position += len(data)
        return data

    def read_at(self, size: int, offset: int) -> bytes:
        """From `offset`."""
        if self.flags & os.O_ACCMODE == os.O_WRONLY:
            raise fault(errno.EBADF)
        return bytes(self._file.data[offset : offset + size])

    def write(self, data: bytes) -> int | None:
        """At the position, or at the end with O_APPEND."""
        if self.flags & os.O_ACCMODE == os.O_RDONLY:
            raise fault(errno.EBADF)
        if self.flags & os.O_APPEND:
            self._position = len(self._file.data)
        gap = self._position - len(self._file.data)
        if gap > 0:
            self._file.data.extend(bytes(gap))
        self._file.data[self._position : self._position + len(data)] = data
        self._position += len(data)
        return len(data)

    def truncate(self, size: int) -> None:
        """Cut or fill with zeros."""
        if self.flags & os.O_ACCMODE == os.O_RDONLY:
            raise fault(errno.EINVAL)
        del self._file.data[size:]
        self._file.data.extend(bytes(size - len(self._file.data)))


class SealedFile(OpenFile):
    """A file in memory that stays as it is (F_SEAL_WRITE and its like)."""

    def write(self, data: bytes) -> int | None:
        """EPERM."""
        _ = data
        raise fault(errno.EPERM)

    def truncate(self, size: int) -> None:
        """EPERM."""
        _ = size
        raise fault(errno.EPERM)


class OpenFolder(Opened):
    """A folder."""

    def __init__(self, node: FolderNode) -> None:
        super().__init__()
        self.node = node
        self.folder = node

    def readiness(self) -> Readiness | None:
        """A folder cannot be waited for."""
        return None

    def read(self, size: int) -> bytes | None:
        """EISDIR."""
        _ = size
        raise fault(errno.EISDIR)


class OpenPath(Opened):
    """O_PATH: only names a file."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def read(self, size: int) -> bytes | None:
        """EBADF."""
        _ = size
        raise fault(errno.EBADF)

    def write(self, data: bytes) -> int | None:
        """EBADF."""
        _ = data
        raise fault(errno.EBADF)


class Pipe:
    """A pipe's buffer, with or without a name."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.readers = 0
        self.writers = 0
        self.writers_ever = 0

    @property
    def room(self) -> int:
        """Bytes that fit now."""
        return _PIPE_SIZE - len(self.data)


class PipeEnd(Opened):
    """One end, or both (a FIFO opened O_RDWR)."""

    def __init__(self, pipe: Pipe, node: Node | None, *, reads: bool, writes: bool) -> None:
        super().__init__()
        self.pipe = pipe
        self.node = node
        self.reads = reads
        self.writes = writes
        self._writers_seen = pipe.writers_ever
        pipe.readers += reads
        pipe.writers += writes
        pipe.writers_ever += writes

    def release(self) -> None:
        """The end is gone."""
        self.pipe.readers -= self.reads
        self.pipe.writers -= self.writes

    def readiness(self) -> Readiness | None:
        """A read end whose FIFO never had a writer has not ended (pipe_poll)."""
        pipe = self.pipe
        hung = self.reads and not pipe.writers and pipe.writers_ever != self._writers_seen
        broken = self.writes and not pipe.readers
        return Readiness(
            self.reads and bool(pipe.data),
            self.writes and (pipe.room >= _PIPE_ATOM or broken),
            hung or broken,
        )

    def read(self, size: int) -> bytes | None:
        """From the buffer; b"" without a writer."""
        if not self.reads:
            raise fault(errno.EBADF)
        if not self.pipe.data:
            if not self.pipe.writers:
                return b""
            self.must_not_wait("read of a pipe")
            return None
        taken = bytes(self.pipe.data[:size])
        del self.pipe.data[:size]
        return taken

    def write(self, data: bytes) -> int | None:
        """Up to 4096 bytes whole or not at all (pipe(7))."""
        if not self.writes:
            raise fault(errno.EBADF)
        if not self.pipe.readers:
            raise fault(errno.EPIPE)
        room = self.pipe.room
        if room == 0 or (len(data) <= _PIPE_ATOM and room < len(data)):
            self.must_not_wait("write to a pipe")
            return None
        taken = data[:room]
        self.pipe.data.extend(taken)
        return len(taken)


class Null(Opened):
    """/dev/null."""

    def readiness(self) -> Readiness | None:
        """Always ready."""
        return Readiness(readable=True, writable=True)

    def read(self, size: int) -> bytes | None:
        """Nothing."""
        _ = size
        return b""

    def write(self, data: bytes) -> int | None:
        """All, to nowhere."""
        return len(data)


class PidDescriptor(Opened):
    """A pidfd."""

    def __init__(self, process: FakeProcess) -> None:
        super().__init__()
        self.process = process

    def readiness(self) -> Readiness | None:
        """Readable once the process ended."""
        return Readiness(readable=self.process.exit is not None)
