"""A manager that was started before us, by the command that became this daemon.

Its interpreter starts and imports beside our own, on another processor. Until it is greeted it touches nothing, and ends
by itself when the session that we hold ends; one that nobody takes is killed and reaped all the same, so that it is gone
when we are.
"""

from __future__ import annotations

import signal

from snowfox.contract.start import Early
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.daemon import keeper
from snowfox.errors import PosixError


class Ahead:
    """The manager that waits for its greeting, to be taken once.

    Args:
        posix: the kernel.
        clock: for waits.
        early: it, if there is one; what that names is ours from now on.
    """

    def __init__(self, posix: Posix, clock: Clock, early: Early | None) -> None:
        self._posix = posix
        self._clock = clock
        self._early = early
        if early is not None:
            for descriptor in (early.session, early.errors):
                posix.files.duplicate_to(descriptor, descriptor, inherited=False)

    def take(self) -> Early | None:
        """It, its descriptors the caller's from now on; None when there is none."""
        early, self._early = self._early, None
        return early

    def end(self) -> None:
        """Kill and reap it, if nobody took it. A second time is fine. Raises PosixError, HostError."""
        early = self.take()
        if early is not None:
            self.reject(early)

    def reject(self, early: Early) -> None:
        """Kill and reap one that was taken but not greeted. Raises PosixError, HostError."""
        for descriptor in (early.session, early.errors):
            self._posix.files.close(descriptor)
        try:
            pidfd = self._posix.processes.open(early.pid)
        except PosixError:  # out of descriptors; it leads a group of its own
            self._posix.processes.signal_group(early.pid, signal.SIGKILL)
            return
        keeper.end(self._posix, self._clock, pidfd)
        self._posix.processes.exit_of(early.pid, reap=True)
