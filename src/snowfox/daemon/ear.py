"""What the manager says on its stderr, put into the node's log by the daemon.

The manager does not get the log itself: with its descriptor it could cut off what the spawner wrote there about it.
What all managers of a daemon say is bounded over time; a pipe that is full loses what comes, so that neither waits for
the other.
"""

from __future__ import annotations

from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

MOST: Final = 1 << 20
"""Bytes that are written at most at once: less than the log keeps, so that they push out nothing."""
RATE: Final = 64
"""Bytes a second that may come after these, however often a manager is restarted: 5 MiB a day."""
_CHUNK: Final = 65536


class Allowance:
    """How much may still be written of what managers say.

    Args:
        posix: tells the time.
    """

    def __init__(self, posix: Posix) -> None:
        self._posix = posix
        self._left = float(MOST)
        self._last = posix.own.uptime()

    def take(self, size: int) -> bool:
        """Take so many bytes; False when nothing is left. What is larger than what is left is the last."""
        now = self._posix.own.uptime()
        self._left = min(MOST, self._left + (now - self._last) / 1e9 * RATE)
        self._last = now
        if self._left <= 0:
            return False
        self._left -= size
        return True


class Ear:
    """The read end of one manager's stderr.

    Args:
        posix: the kernel.
        pipe: the read end, owned from now on.
        log: the node's log.
        allowance: what all managers share.
    """

    def __init__(self, posix: Posix, pipe: int, log: int, allowance: Allowance) -> None:
        self.descriptor = pipe
        self._posix = posix
        self._log = log
        self._allowance = allowance
        self._is_silenced = False

    def hear(self) -> bool:
        """It is readable: copy what is there. False: it has ended; `close` is due."""
        content = self._posix.files.read(self.descriptor, _CHUNK)
        if content is None:
            return True
        if content and not self._is_silenced and self._allowance.take(len(content)):
            try:
                self._posix.files.write(self._log, content)
            except PosixError:  # a full disk silences it, and stops nothing
                self._is_silenced = True
        return bool(content)

    def close(self) -> None:
        """Nothing is heard any more."""
        self._posix.files.close(self.descriptor)
