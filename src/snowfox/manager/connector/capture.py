"""What a helper prints, in memory, up to a bound."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

from snowfox.core.posix.api import Posix

_CHUNK: Final = 1 << 16


class Capture:
    """Reads a FIFO as it fills. `full` is called when there is too much; nothing more is read then.

    Args:
        posix: the kernel.
        loop: the loop to read in.
        most: bytes that may be read.
    """

    def __init__(self, posix: Posix, loop: AbstractEventLoop, *, most: int) -> None:
        self._posix = posix
        self._loop = loop
        self._most = most
        self.full: Callable[[], object] | None = None
        self._descriptor = -1
        self._chunks: list[bytes] = []
        self._size = 0
        self.is_full = False

    def attach(self, descriptor: int) -> None:
        """Read from here; it is ours from now on."""
        self._descriptor = descriptor
        self._loop.add_reader(descriptor, self._read)

    def close(self) -> bytes:
        """What is there to be read without waiting is read; all of it. Nothing more is read afterwards."""
        while self._descriptor >= 0 and self._read():
            pass
        self._detach()
        return b"".join(self._chunks)

    def _read(self) -> bool:
        """Whether there may be more now."""
        data = self._posix.files.read(self._descriptor, _CHUNK)
        if not data:
            if data is not None:
                self._detach()
            return False
        self._size += len(data)
        if self._size > self._most:
            self.is_full = True
            self._detach()
            if self.full is not None:
                self.full()
            return False
        self._chunks.append(data)
        return True

    def _detach(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._posix.files.close(self._descriptor)
            self._descriptor = -1
