"""Signals to a launch, and who is "all that is left" of it.

Each process starts in a session of its own, whose number is its pid. `kill` signals the process group of that number at
once. A little later one look through /proc, shared by all kills of that time, kills what else is in those sessions: job
control makes groups of its own. What left its session is not found; that is for control groups.

No stranger is hit: while the main process is unreaped, nobody else can get its number, and our children are reaped only
when forgotten. Where it was reaped (adopted ones are the daemon's children), the kernel keeps the number as long as the
session has members; a session whose leader lives is then a stranger's and left alone, and so is a process that is older
than the launch.
"""

from __future__ import annotations

import signal
from typing import Final

from snowfox.errors import PosixError
from snowfox.spawner.held import Kit

_KILL: Final = int(signal.SIGKILL)
_ROUNDED: Final = 20_000_000  # ns; /proc rounds a start down to a tick of 10 ms


class Leftovers:
    """Signals launches by token."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._marked: dict[int, int] = {}

    def signal(self, token: str, number: int) -> bool:
        """Signal the main process; False when it is gone."""
        handle = self._kit.held.get(token)
        if handle is None or handle.pidfd < 0:
            return False
        return self._posix.processes.signal(handle.pidfd, number)

    def kill(self, token: str) -> bool:
        """SIGKILL to its process group now, and to the rest of its session with the next `sweep`.

        True when there was something to signal, be it only a child that ended and is not forgotten.
        """
        handle = self._kit.held.get(token)
        if handle is None:
            return False
        self._marked[handle.pid] = handle.started
        if handle.is_child or (handle.pidfd >= 0 and self._posix.processes.signal(handle.pidfd, 0)):
            return self._posix.processes.signal_group(handle.pid, _KILL)
        return False

    @property
    def wants_sweep(self) -> bool:
        """Whether there were kills since the last sweep."""
        return bool(self._marked)

    def sweep(self) -> None:
        """Kill what is left in the sessions that were killed."""
        marked, self._marked = self._marked, {}
        left: list[tuple[int, int]] = []
        for pid in self._posix.processes.all():
            found = self._posix.processes.identity(pid)
            if found is None or found.session not in marked or found.state in "ZX":
                continue
            if pid == found.session:  # ours is dying of its group's signal; else the number was used again
                del marked[pid]
            elif found.started + _ROUNDED >= marked[found.session]:
                left.append((pid, found.session))
        for pid, session in left:
            if session in marked:
                self._kill_member(pid, session)

    def _kill_member(self, pid: int, session: int) -> None:
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError:
            return  # gone meanwhile
        try:
            found = self._posix.processes.identity(pid)
            if found is not None and found.session == session:
                self._posix.processes.signal(pidfd, _KILL)
        finally:
            self._posix.files.close(pidfd)
