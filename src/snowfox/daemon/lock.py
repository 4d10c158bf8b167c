"""One node per folder: the lock that the daemon holds for its life, and who holds it.

`flock(2)` goes with the process, however that ends; the file itself stays, since removing it would let two daemons
lock two files of one name. Only a first start that was refused takes it along, and the folder with it: a lock whose
file has no name any more is not the folder's. Its content, the daemon's pid, is for messages only.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from snowfox.contract.start import LOCK
from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import HostError, PosixError

_PATIENCE: Final = 1.0  # seconds for a holder to write its pid, or for a look at the lock to pass
_PAUSE: Final = 0.01


class Taken(NamedTuple):
    """Either we hold it (`descriptor`), or another does (`holder`, its pid; 0 when it did not say).

    `is_gone`: it belonged to a refused start, which removed it with the folder meanwhile.
    """

    descriptor: int
    holder: int
    is_gone: bool = False


def take(posix: Posix, home: int, clock: Clock) -> Taken:
    """Take the lock, or learn who has it within a second. Raises PosixError.

    Args:
        posix: the kernel.
        home: `.snowfox`.
        clock: for the second.
    """
    try:
        descriptor = posix.files.open(LOCK, os.O_RDWR | os.O_CREAT, mode=0o600, folder=home)
    except PosixError as error:
        if error.errno == errno.ENOENT:
            return Taken(-1, 0, is_gone=True)
        raise
    poller = posix.poller()
    until = clock.after(_PATIENCE)
    try:
        while not posix.files.lock(descriptor, wait=False):
            holder = _pid(posix.files.read_at(descriptor, 32, offset=0))
            if clock.now() >= until or (holder and posix.processes.identity(holder) is not None):
                posix.files.close(descriptor)
                return Taken(-1, holder)
            poller.wait(_PAUSE)
    finally:
        poller.close()
    if posix.files.stat(descriptor).links == 0:
        posix.files.close(descriptor)
        return Taken(-1, 0, is_gone=True)
    posix.files.truncate(descriptor, 0)
    posix.files.write(descriptor, b"%d\n" % posix.own.pid())
    return Taken(descriptor, 0)


def free(posix: Posix, taken: Taken) -> None:
    """Let go; nobody is named as its holder any more."""
    posix.files.truncate(taken.descriptor, 0)
    posix.files.close(taken.descriptor)


def refusal(project: str, holder: int) -> HostError:
    """What whoever comes second is told."""
    who = f"daemon pid {holder}" if holder else "its daemon did not say its pid"
    return HostError(
        f"cannot start a node in {project}: it runs already ({who})", "snowfox status · snowfox down"
    )


def _pid(content: bytes) -> int:
    text, newline, _ = content.partition(b"\n")
    return int(text) if newline and text.isdigit() else 0
