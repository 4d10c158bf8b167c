"""The datagram socket that services notify by, as sd_notify(3) sends it: who sent what.

The kernel tells who sent a datagram. It counts only from a process of a launch: its main process, one of its session
(each launch begins a session, so its id is the main pid), one that descends from either, or one of its control group
(`probe.senders`). Everything else is ignored
and counted: empty, broken and oversized messages, strangers, and senders that are gone before we look, whose number may
be another's by then.

One turn reads a bounded number. After some that came to nothing the socket rests for a moment: whoever floods it waits
in its send, and costs us little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, Protocol

from snowfox.core.log import get
from snowfox.core.metrics import counter
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.probe.notice import LONGEST, NOTHING, Notice, read
from snowfox.manager.probe.senders import Senders
from snowfox.values import Seconds

QUIET: Final = 32
"""Messages that say nothing new between two rests."""
REST: Final[Seconds] = 0.05
"""Seconds that the socket is not read after `QUIET` messages that said nothing new."""

_PER_TURN: Final = 64
_TURNS: Final = 16

_log: Final = get("manager.probe")


class Use(Enum):
    """What became of a message: told to the engine, kept (it says nothing new, or waits), or ignored."""

    TOLD = "told"
    KEPT = "kept"
    IGNORED = "ignored"


class Hears(Protocol):
    """Takes what processes say."""

    def __call__(self, senders: Iterator[int], notice: Notice) -> Use:
        """What became of it; `senders` are pids, as `Senders.of` has them, looked up one by one."""
        ...


class NotifyReader:
    """Reads the datagram socket.

    Args:
        posix: the kernel.
        descriptor: the socket, bound, with credentials; stays the caller's.
        senders: who somebody is.
        hears: takes each message that says something.
        rest: called after `QUIET` messages that said nothing new: read again after `REST`.
    """

    def __init__(
        self, posix: Posix, descriptor: int, *, senders: Senders, hears: Hears, rest: Callable[[], None]
    ) -> None:
        self._posix = posix
        self.descriptor = descriptor
        self._senders = senders
        self._hears = hears
        self._rest = rest
        self._quiet = 0
        self._ignored = counter("snowfox_notify_ignored_total")

    def drain(self) -> None:
        """Read all that came until now. More than the kernel lets wait (net.unix.max_dgram_qlen) is not read."""
        for _ in range(_TURNS):
            if not self.turn():
                break

    def turn(self) -> bool:
        """Read what came, at most 64 messages. Whether there may be more."""
        ignored = quiet = 0
        has_more = True
        for _ in range(_PER_TURN):
            try:
                received = self._posix.sockets.receive(self.descriptor, LONGEST + 1)
            except PosixError as error:
                _log.error("cannot read what services notify", error=str(error))
                received = None
            if received is None:
                has_more = False
                break
            notice = read(received.data)
            sender = received.sender.pid if received.sender else 0
            use = Use.IGNORED
            if notice is not NOTHING and sender > 0:
                use = self._hears(self._senders.of(sender), notice)
            ignored += use is Use.IGNORED
            quiet += use is not Use.TOLD
        if ignored:
            self._ignored.add(ignored)
        self._quiet += quiet
        if self._quiet >= QUIET:
            self._quiet = 0
            self._rest()
        return has_more
