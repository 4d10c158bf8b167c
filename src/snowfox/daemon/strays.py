"""What services left behind that nobody knows: the end of a node is theirs, too.

Without control groups who left its session, began with another environment and writes elsewhere belongs to no launch that
anybody can name. Its parents are gone, so it is a child of the daemon, the sub-reaper of all; once spawner and services
have ended, all children are such.
"""

from __future__ import annotations

import os
import signal
from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.values import Seconds

WITHIN: Final[Seconds] = 2.0
"""How long they may take to end; what then still runs is left, and logged."""

_ROUNDS: Final = 20  # each makes the children of those of the one before ours
_LARGEST: Final = 1 << 16
_KILL: Final = int(signal.SIGKILL)

_log = get("daemon")


def end_strays(posix: Posix, clock: Clock) -> None:
    """Kill all our children, and theirs, and reap them. Without CONFIG_PROC_CHILDREN nobody is found (proc(5))."""
    until = clock.now() + WITHIN
    for _ in range(_ROUNDS):
        pids = _children(posix)
        if not pids:
            return
        _log.warning("ends what services left behind", pids=pids[:20])
        for pid in pids:
            _end(posix, pid, until - clock.now())
        if clock.now() >= until:
            break
    _log.error("what services left behind does not end", pids=_children(posix)[:20])


def _end(posix: Posix, pid: int, most: Seconds) -> None:
    try:
        pidfd = posix.processes.open(pid)
    except PosixError:
        return
    poller = posix.poller()
    try:
        posix.processes.signal(pidfd, _KILL)
        poller.add(pidfd)
        poller.wait(max(0.0, most))
        posix.processes.exit_of(pid, reap=True)
    finally:
        poller.close()
        posix.files.close(pidfd)


def _children(posix: Posix) -> list[int]:
    try:
        opened = posix.files.open(f"/proc/self/task/{posix.own.pid()}/children", os.O_RDONLY)
    except PosixError:
        return []
    try:
        content = posix.files.read(opened, _LARGEST) or b""
    finally:
        posix.files.close(opened)
    return [int(word) for word in content.split()]
