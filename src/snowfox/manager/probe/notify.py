"""Readiness by message: `READY=1` on NOTIFY_SOCKET, as sd_notify(3) sends it.

The kernel tells who sent a datagram. It counts only from the main process of a launch or from one of its session
(each launch begins a session, so its id is the main pid). Everything else is ignored and counted: other variables of
sd_notify(3), empty and broken messages, strangers. One turn reads a bounded number, so that a flood of messages
holds up nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from snowfox.core.log import get
from snowfox.core.metrics import counter
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

_LONGEST: Final = 4096
_PER_TURN: Final = 64

_log: Final = get("manager.probe")


def says_ready(message: bytes) -> bool:
    """Whether one of the lines is READY=1."""
    return b"READY=1" in message.split(b"\n")


class NotifyReader:
    """Reads the datagram socket.

    Args:
        posix: the kernel.
        descriptor: the socket, bound, with credentials; stays the caller's.
        ready: called with pid and session id (0: the process is gone) of who sent READY=1; tells whether it counts.
    """

    def __init__(self, posix: Posix, descriptor: int, ready: Callable[[int, int], bool]) -> None:
        self._posix = posix
        self.descriptor = descriptor
        self._ready = ready
        self._ignored = counter("snowfox_notify_ignored_total")

    def turn(self) -> None:
        """Read what came, at most 64 messages."""
        for _ in range(_PER_TURN):
            try:
                received = self._posix.sockets.receive(self.descriptor, _LONGEST)
            except PosixError as error:
                _log.error("cannot read what services notify", error=str(error))
                return
            if received is None:
                return
            sender = received.sender.pid if received.sender else 0
            if not (sender and says_ready(received.data) and self._ready(sender, self._session(sender))):
                self._ignored.add(1)

    def _session(self, pid: int) -> int:
        identity = self._posix.processes.identity(pid)
        return identity.session if identity else 0
