"""What the manager says on its stderr, put into the node's log by the daemon.

The manager does not get the log itself: with its descriptor it could cut off what the spawner wrote there about it.
What it says is bounded; a pipe that is full loses what comes, so that neither waits for the other.
"""

from __future__ import annotations

from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

MOST: Final = 16 << 20
"""Bytes of one manager that are written; a daemon has as many managers as its restarts allow."""
_CHUNK: Final = 65536


class Ear:
    """The read end of one manager's stderr.

    Args:
        posix: the kernel.
        pipe: the read end, owned from now on.
        log: the node's log.
    """

    def __init__(self, posix: Posix, pipe: int, log: int) -> None:
        self.descriptor = pipe
        self._posix = posix
        self._log = log
        self._written = 0

    def hear(self) -> bool:
        """It is readable: copy what is there. False: it has ended; `close` is due."""
        content = self._posix.files.read(self.descriptor, _CHUNK)
        if content is None:
            return True
        if content and self._written < MOST:
            self._written += len(content)
            try:
                self._posix.files.write(self._log, content)
            except PosixError:  # a full disk silences it, and stops nothing
                self._written = MOST
        return bool(content)

    def close(self) -> None:
        """Nothing is heard any more."""
        self._posix.files.close(self.descriptor)
