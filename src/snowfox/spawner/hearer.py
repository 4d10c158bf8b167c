"""A process that gets signals about sockets in the spawner's place.

Whoever was passed a socket shares its mark, and may change which signal it sends (F_SETSIG of fcntl(2)), SIGKILL too;
the kernel delivers that with the rights of who made the mark. So the mark never names the spawner: it names a process
whose end harms nobody, and costs one answer that is not known.
"""

from __future__ import annotations

import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from posixpath import dirname, join
from typing import Final

from snowfox.core import log
from snowfox.core.posix import hearer_program
from snowfox.core.posix.api import Poller, Posix, Spawn
from snowfox.errors import PosixError

_PROGRAM: Final = join(dirname(hearer_program.__file__), "hearer_program.py")
_MOST: Final = 4096
_log = log.get("spawner")


class Ear(ABC):
    """Who gets the signals."""

    @abstractmethod
    def listens(self) -> int:
        """The pid of who gets them; 0 while it does not hear yet, or does not any more: it is started then. Raises PosixError."""

    @abstractmethod
    def owns(self, descriptor: int) -> bool:
        """Whether this descriptor of the poller says that there is something to take."""

    @abstractmethod
    def take(self) -> tuple[int, ...] | None:
        """Numbers of the signals that came; None when it ended, and nobody knows what came."""


class Hearer(Ear):
    """The process, started when it is needed first.

    Args:
        posix: the kernel.
        poller: the loop's.
        numbers: signals that it hears; any other has its default, which ends it.
    """

    def __init__(self, posix: Posix, poller: Poller, numbers: Sequence[int]) -> None:
        self._posix = posix
        self._poller = poller
        self._numbers = numbers
        self._pid = 0
        self._hears = False
        self._said = self._held = -1
        self._ended: list[int] = []

    def listens(self) -> int:  # noqa: D102
        self._reap()
        if not self._pid:
            self._begin()
        return self._pid if self._hears else 0

    def owns(self, descriptor: int) -> bool:  # noqa: D102
        return descriptor == self._said

    def take(self) -> tuple[int, ...] | None:  # noqa: D102
        said = self._posix.files.read(self._said, _MOST)
        if said is None:
            return ()
        if not said:
            self._end()
            return None
        self._hears = True
        return tuple(number for number in dict.fromkeys(said) if number)

    def _begin(self) -> None:
        files = self._posix.files
        given, self._held = files.pipe()
        self._said, told = files.pipe()
        arguments = (sys.executable, "-I", "-S", _PROGRAM, *map(str, self._numbers))
        places = ((given, 0), (told, 1), (told, 2))
        try:
            files.set_blocking(given, blocking=True)
            self._pid = self._posix.processes.spawn(
                Spawn(sys.executable, arguments, {}, places, session=True)
            )
            self._poller.add(self._said)
        except PosixError:
            self._close()
            raise
        finally:
            files.close(given)
            files.close(told)

    def _end(self) -> None:
        _log.warning("who hears of sockets ended", pid=self._pid)
        self._poller.discard(self._said)
        self._close()

    def _close(self) -> None:
        self._posix.files.close(self._said)
        self._posix.files.close(self._held)
        if self._pid:
            self._ended.append(self._pid)
        self._said = self._held = -1
        self._pid, self._hears = 0, False

    def _reap(self) -> None:
        """Who closed its output may take a moment to end; it cannot do otherwise, as its input ended."""
        for pid in self._ended[:]:
            with suppress(PosixError):
                if self._posix.processes.exit_of(pid, reap=True) is None:
                    self._kill(pid)
                    continue
            self._ended.remove(pid)

    def _kill(self, pid: int) -> None:
        pidfd = self._posix.processes.open(pid)
        try:
            self._posix.processes.signal(pidfd, signal.SIGKILL)
        finally:
            self._posix.files.close(pidfd)
