"""What outlives a spawner or a daemon: listening sockets kept for the next spawner, and a spawner that stayed.

A spawner whose daemon died keeps children, sockets and read ends, and waits at `run/spawner.sock`. A new daemon looks
there, and at the note of who was started last, before it starts another: there is never a second pair.
"""

from __future__ import annotations

import errno
import signal
from typing import Final

from snowfox.contract.control import Kept
from snowfox.contract.start import SPAWNER_SOCKET
from snowfox.core.clock import Clock
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.interface import Descriptor
from snowfox.daemon.events import Role
from snowfox.daemon.folders import read_small, remove, write_small
from snowfox.errors import HostError, PosixError
from snowfox.values import Seconds

MOST: Final = 4096
"""Sockets that are kept at most."""
BATCH: Final = 200
"""Sockets in one message; the kernel passes 253."""
_log = get("daemon")
_LEAVE: Final[Seconds] = 2.0
_DIE: Final[Seconds] = 10.0


class Sockets:
    """Duplicates of the spawner's listening sockets, by its keys. Owns them.

    Args:
        posix: the kernel.
    """

    def __init__(self, posix: Posix) -> None:
        self._posix = posix
        self._kept: dict[str, int] = {}

    def keep(self, kept: Kept) -> None:
        """Hold one; the same key replaces. Raises HostError beyond `MOST`."""
        if kept.key not in self._kept and len(self._kept) >= MOST:
            msg = f"cannot keep socket {kept.key}: {MOST} are kept already"
            raise HostError(msg, "")
        self.release(kept.key)
        self._kept[kept.key] = kept.socket.take()

    def release(self, key: str) -> None:
        """Close one; an unknown key is fine."""
        descriptor = self._kept.pop(key, None)
        if descriptor is not None:
            self._posix.files.close(descriptor)

    def batches(self) -> list[list[Kept]]:
        """Duplicates of all, in messages that the kernel can pass. Raises PosixError."""
        all_kept: list[Kept] = []
        try:
            for key, descriptor in self._kept.items():
                duplicate = self._posix.files.duplicate(descriptor)
                all_kept.append(Kept(key, Descriptor(duplicate, self._posix)))
        except PosixError:
            for kept in all_kept:
                kept.socket.close()
            raise
        return [all_kept[start : start + BATCH] for start in range(0, len(all_kept), BATCH)]


class Found(NamedTuple):
    """A spawner that stayed: a session with it, its pid and pidfd."""

    socket: int
    pid: int
    pidfd: int


def note(posix: Posix, role: Role, pid: int, *, run: int) -> None:
    """Write down who was started, so that a later daemon knows it: pid and start, which together name a process.

    On a full disk there is no note, and the process that runs is worth more than that.
    """
    try:
        identity = posix.processes.identity(pid)
        started = 0 if identity is None else identity.started
        write_small(posix, role, f"{pid} {started}\n", folder=run)
    except PosixError as error:
        _log.warning("cannot note who was started", role=role, pid=pid, error=str(error))


def look(posix: Posix, clock: Clock, *, run: int) -> Found | None:
    """The spawner that stayed, if any. Raises PosixError.

    A spawner that lives but cannot be reached is killed and awaited: nobody else could ever take it over.
    """
    last = _last(posix, "spawner", run=run)
    try:
        socket = posix.sockets.connect(f"unix:{SPAWNER_SOCKET}", folder=run)
    except PosixError as error:
        if error.errno not in {errno.ENOENT, errno.ECONNREFUSED}:
            raise
        if last is not None:
            end(posix, clock, last[1])
        return None
    if last is None:
        # It was started, but its daemon died before the note was written: the kernel knows who listens.
        last = _opened(posix, posix.sockets.peer(socket).pid)
    if last is None:
        posix.files.close(socket)
        return None
    return Found(socket, *last)


def end_old_manager(posix: Posix, clock: Clock, *, run: int) -> None:
    """Wait until the manager of a daemon that died has left; kill it when it does not."""
    last = _last(posix, "manager", run=run)
    if last is not None:
        if not gone(posix, clock, last[1], _LEAVE):
            posix.processes.signal(last[1], signal.SIGKILL)
        end(posix, clock, last[1])


def end(posix: Posix, clock: Clock, pidfd: int) -> None:
    """Kill a process and wait until it is gone; closes the pidfd. Raises HostError when it does not go."""
    posix.processes.signal(pidfd, signal.SIGKILL)
    is_gone = gone(posix, clock, pidfd, _DIE)
    posix.files.close(pidfd)
    if not is_gone:
        msg = "cannot start the node: a process of the node before does not end, although it was killed"
        raise HostError(msg, "")


def gone(posix: Posix, clock: Clock, pidfd: int, most: Seconds) -> bool:
    """Whether a process ended within so many seconds."""
    poller = posix.poller()
    until = clock.after(most)
    try:
        poller.add(pidfd)
        while (left := until - clock.now()) > 0:
            if poller.wait(left):
                return True
        return False
    finally:
        poller.close()


def _last(posix: Posix, role: Role, *, run: int) -> tuple[int, int] | None:
    """Pid and pidfd of the process that was noted last, if that is the one that runs."""
    words = read_small(posix, role, folder=run).split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    opened = _opened(posix, int(words[0]))
    if opened is None:
        return None
    identity = posix.processes.identity(opened[0])
    if identity is not None and identity.started == int(words[1]) and identity.state not in "ZX":
        return opened
    posix.files.close(opened[1])
    return None


def _opened(posix: Posix, pid: int) -> tuple[int, int] | None:
    try:
        return pid, posix.processes.open(pid)
    except PosixError as error:
        if error.errno in {errno.ESRCH, errno.EINVAL}:
            return None
        raise


def forget(posix: Posix, *, run: int) -> None:
    """The node ended in order: nobody is there to be found."""
    for name in ("spawner", "manager", SPAWNER_SOCKET):
        remove(posix, name, folder=run)
