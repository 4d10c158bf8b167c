"""Spawner and manager that were started before us, by the command that became this daemon.

Their interpreters start and import beside our own, on another processor. Until they are greeted they touch nothing, and
end by themselves when the session that we hold ends; those whom nobody takes are killed and reaped all the same, so that
none is left when we are gone.
"""

from __future__ import annotations

import signal

from snowfox.contract.start import Early
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.daemon import keeper
from snowfox.daemon.events import Role
from snowfox.errors import PosixError


class Ahead:
    """The children that wait for their greeting, each to be taken once.

    Args:
        posix: the kernel.
        clock: for waits.
        children: them; what they name is ours from now on.
    """

    def __init__(self, posix: Posix, clock: Clock, children: tuple[Early, ...]) -> None:
        self._posix = posix
        self._clock = clock
        self._waiting: dict[Role, Early] = {child.role: child for child in children}
        for child in children:
            for descriptor in _descriptors(child):
                posix.files.duplicate_to(descriptor, descriptor, inherited=False)

    def take(self, role: Role) -> Early | None:
        """The child of this role, its descriptors the caller's from now on; None when there is none."""
        return self._waiting.pop(role, None)

    def end(self, *roles: Role) -> None:
        """Kill and reap those that nobody took, of these roles or all. A second time is fine. Raises PosixError, HostError."""
        for role in roles or tuple(self._waiting):
            child = self.take(role)
            if child is not None:
                self.reject(child)

    def reject(self, child: Early) -> None:
        """Kill and reap one that was taken but not greeted. Raises PosixError, HostError."""
        for descriptor in _descriptors(child):
            self._posix.files.close(descriptor)
        try:
            pidfd = self._posix.processes.open(child.pid)
        except PosixError:  # out of descriptors; it leads a group of its own
            self._posix.processes.signal_group(child.pid, signal.SIGKILL)
            return
        keeper.end(self._posix, self._clock, pidfd)
        self._posix.processes.exit_of(child.pid, reap=True)


def _descriptors(child: Early) -> tuple[int, ...]:
    return (child.session,) if child.errors < 0 else (child.session, child.errors)
