"""What comes for listening sockets: the first connection or datagram that waits, and whether any came at all.

The first is what epoll(7) tells of a socket that nobody accepts from. It is told once and then no longer looked at, for
who is started for it may take long to take it.

Whether any came while a service takes them is harder: it is gone before a second one who waits for the socket is awake,
and the kernel counts none. So the socket is marked to send a signal (`Sockets.notice`), which comes whoever takes what
came. The first signal takes the mark away, so that a busy service costs one signal each time somebody asks. It goes to a
process of its own (`hearer`), for who was passed the socket may have it sent any signal. Rejected:
looking at times for connections that are open (misses all that are short), taking them ourselves and passing them on (a
service would have to be written for it), a filter in the kernel that counts (needs rights).
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from typing import Final

from snowfox.core import log
from snowfox.core.posix.api import Poller, Posix
from snowfox.errors import PosixError
from snowfox.spawner.hearer import Ear
from snowfox.spawner.ports import Ports

NOTICES: Final = tuple(range(signal.SIGRTMIN + 8, signal.SIGRTMIN + 24))
"""Signals by which sockets are told apart; more sockets share them, and are then told together."""

_log = log.get("spawner")


class Knocks:
    """Watches open sockets.

    Args:
        posix: the kernel.
        poller: the loop's.
        ports: all sockets.
        ear: gets `NOTICES`.
    """

    def __init__(self, posix: Posix, poller: Poller, ports: Ports, *, ear: Ear) -> None:
        self._posix = posix
        self._ear = ear
        self._poller = poller
        self.ports = ports
        self._find = ports.get
        self._watched: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._noticed: dict[str, int] = {}
        self._stirred: set[str] = set()
        self._next = 0

    def watch(self, keys: Iterable[str]) -> None:
        """Watch these and no others. Raises PosixError."""
        wanted = dict.fromkeys(keys)
        for key in [one for one in self._watched if one not in wanted]:
            self._unwatch(key)
        for key in wanted:
            descriptor = self._find(key)
            if descriptor is not None and key not in self._watched:
                self._poller.add(descriptor)
                self._watched[key] = descriptor
                self._keys[descriptor] = key

    def came(self, descriptor: int) -> str | None:
        """The key of a watched socket that is readable, which is watched no longer; None for any other descriptor."""
        key = self._keys.get(descriptor)
        if key is not None:
            self._unwatch(key)
        return key

    def stirred(self, keys: Iterable[str]) -> list[str]:
        """For which of these something came since they were asked for last; all, while nobody hears what comes."""
        found: list[str] = []
        listens = self._ear.listens()
        if not listens:
            return [key for key in keys if self._find(key) is not None]
        for key in keys:
            descriptor = self._find(key)
            if descriptor is None:
                continue
            if key in self._stirred:
                self._stirred.discard(key)
                found.append(key)
            if key not in self._noticed:
                self._noticed[key] = NOTICES[self._next % len(NOTICES)]
                self._next += 1
            # Again each time: who was passed the socket may have taken the mark away.
            self._posix.sockets.notice(descriptor, self._noticed[key], process=listens)
        return found

    def heard(self, descriptor: int) -> bool:
        """Take what the ear heard, if this descriptor of the poller is its."""
        if not self._ear.owns(descriptor):
            return False
        came = self._ear.take()
        for key in [one for one, notice in self._noticed.items() if came is None or notice in came]:
            del self._noticed[key]
            self._stirred.add(key)
            self._unmark(key)
        return True

    def forget(self, key: str) -> None:
        """It is about to be closed."""
        if key in self._watched:
            self._unwatch(key)
        if self._noticed.pop(key, None) is not None:
            self._unmark(key)
        self._stirred.discard(key)

    def _unwatch(self, key: str) -> None:
        descriptor = self._watched.pop(key)
        del self._keys[descriptor]
        self._poller.discard(descriptor)

    def _unmark(self, key: str) -> None:
        descriptor = self._find(key)
        if descriptor is None:
            return
        try:
            self._posix.sockets.notice(descriptor, 0, process=0)
        except PosixError as error:
            _log.warning("cannot take a mark from a socket", key=key, error=str(error))
