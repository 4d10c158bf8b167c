"""Another main process than the one that was launched: a program that goes to the background, or puts a new one in its place.

The manager says so, and is not believed. The process has to be one that `kill` would take for the launch's: of its
control groups, which it cannot have come into by itself; without them of its sessions, a descendant, or marked. It is
opened before it is looked at, and was not reaped when all has been looked at: so everything is true of one process.

Then it is followed by its pidfd. The one before is watched no more. If it is our child it stays unreaped all the same, so that
the session that it leads can be nobody else's; else the daemon reaps it, and its record tells that it does not count.
"""

from __future__ import annotations

from typing import Final

from snowfox.contract.record import Main, subject_of
from snowfox.core import log
from snowfox.core.posix.api import Identity
from snowfox.errors import HostError, PosixError
from snowfox.spawner.held import Handle, Kit
from snowfox.spawner.leftovers import Leftovers

_log: Final = log.get("spawner")


class Succession:
    """Changes main processes.

    Args:
        kit: the kernel, and all launches.
        leftovers: know who belongs to a launch.
    """

    def __init__(self, kit: Kit, leftovers: Leftovers) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._leftovers = leftovers

    def follow(self, token: str, pid: int) -> bool:
        """Make a process the main process of a launch; one that is it already stays so.

        Whether the number of the one before names nobody else, as long as the launch is known. Raises HostError: it is
        none of the launch's, or gone; nothing has changed then.
        """
        handle = self._kit.held.get(token)
        if handle is None or handle.ended:  # so has what is left of it, or it is about to
            raise _refused(token, pid, "it has ended")
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError as error:
            raise _refused(token, pid, f"{error}") from error
        try:
            found = self._checked(token, pid, pidfd)
            before, handle.session = handle.main, found.session
            if before != pid:
                self._change(token, handle, pid, pidfd)
                pidfd = -1
        finally:
            if pidfd >= 0:
                self._posix.files.close(pidfd)
        return found.session == before or (handle.is_child and before == handle.pid)

    def _checked(self, token: str, pid: int, pidfd: int) -> Identity:
        found = self._posix.processes.identity(pid)
        if found is None or found.state in "ZX":
            raise _refused(token, pid, "it has ended")
        if not self._leftovers.owns(token, pid):
            raise _refused(token, pid, "it is none of its processes")
        try:
            is_there = self._posix.processes.signal(pidfd, 0)
        except PosixError as error:  # of another user, whom we may do nothing to
            raise _refused(token, pid, "it is not ours to signal") from error
        if not is_there:
            raise _refused(token, pid, "it has ended")
        return found

    def _change(self, token: str, handle: Handle, pid: int, pidfd: int) -> None:
        at = self._kit.clock.boot()
        try:
            self._kit.records.write_main(token, Main(pid, at))
        except PosixError as error:  # as long as we live it is followed all the same
            _log.error("cannot write a main process into its record", token=token, pid=pid, error=str(error))
        if handle.pidfd >= 0:
            self._kit.held.close(handle.pidfd)
        handle.main, handle.followed, handle.pidfd, handle.looks = pid, at, pidfd, 0
        self._kit.held.watch(token, pidfd)


def _refused(token: str, pid: int, why: str) -> HostError:
    return HostError(f"cannot follow process {pid} as the main process of {subject_of(token)}: {why}")
