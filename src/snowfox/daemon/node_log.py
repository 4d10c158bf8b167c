"""The node's log: what daemon and spawner append to, and the daemon keeps small while they do.

What is there is copied to `node.log.1` and cut off in place. To rename the file was rejected: the spawner, which must
be able to write when the daemon is dead, has it as its descriptor 2 and would go on in the old one. All writers append,
so they go on at the new end by themselves. A line that the spawner writes between the last look and the cut, a few
microseconds, is lost.
"""

from __future__ import annotations

import os
from typing import Final

from snowfox.contract.start import NODE_LOG
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

SIZE: Final = 4 << 20
"""Bytes that the log may have; as many are kept of before."""

_CHUNK: Final = 1 << 18


class NodeLog:
    """`node.log`, open for appending. Raises PosixError when it cannot be.

    Args:
        posix: the kernel.
        home: `.snowfox`.
    """

    def __init__(self, posix: Posix, home: int) -> None:
        self._posix = posix
        self._home = home
        self._most = SIZE
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        self.descriptor = posix.files.open(NODE_LOG, flags, mode=0o600, folder=home)

    def write(self, line: bytes) -> None:
        """Append. Raises PosixError."""
        self._posix.files.write(self.descriptor, line)

    def trim(self) -> None:
        """Begin anew when it has become large. Where the disk is full it is left, until it has doubled."""
        if self._posix.files.stat(self.descriptor).size <= self._most:
            return
        try:
            self._copy()
            self._posix.files.truncate(self.descriptor, 0)
            self._most = SIZE
        except PosixError:
            self._most *= 2

    def _copy(self) -> None:
        """The last `SIZE` bytes, which may have grown meanwhile, into `node.log.1`."""
        files = self._posix.files
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        copy = files.open(f"{NODE_LOG}.1", flags, mode=0o600, folder=self._home)
        try:
            offset = max(0, files.stat(self.descriptor).size - SIZE)
            while chunk := files.read_at(self.descriptor, _CHUNK, offset=offset):
                offset += files.write(copy, chunk) or 0
        finally:
            files.close(copy)
