"""The policy in force: its file is looked at again before each request that it decides about.

What is read at `verify` and at a launch is the file as it is then. A file that cannot be used, be it half written, and
one that is gone, changes nothing: what root said last stays in force, and `problem` says why. One that comes into being
later counts from then on.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from snowfox.core import log
from snowfox.core.posix.api import Posix, Stat
from snowfox.errors import PosixError, UserError
from snowfox.spawner.policy import Policy, load
from snowfox.values import Seconds

FRESH: Final[Seconds] = 0.01
"""How long the policy of one launch may be that of the next: a start of a thousand asks a thousand times."""

_log = log.get("spawner")


class InForce:
    """Holds the policy, and reads it anew when its file is another.

    Args:
        posix: the kernel.
        policy: as it was read at the start, or the defaults where there is no file.
        start: who is who, and the defaults; what a file is read into.
        seen: the file that was read; None: there was none.
    """

    def __init__(
        self, posix: Posix, policy: Policy, *, start: Policy | None = None, seen: Stat | None = None
    ) -> None:
        self._posix = posix
        self._start = start or policy
        self._seen = None if seen is None else _mark(seen)
        self._looked: Seconds = -FRESH
        self.policy = policy
        self.problem: UserError | None = None

    def look(self, now: Seconds | None = None) -> None:
        """Read the file if it changed; given the time, only where that is some time after the last. Raises nothing."""
        if now is not None:
            if now - self._looked < FRESH:
                return
            self._looked = now
        name = self._start.file
        try:
            found = self._posix.files.stat(name, follow=True)
        except PosixError:
            return  # there is none, or none any more
        if _mark(found) == self._seen:
            return
        self._seen = _mark(found)
        try:
            self.policy = self._read(name)
            self.problem = None
        except PosixError as error:
            # A user who may not read the system's policy has no rights that it could widen.
            if error.errno != errno.EACCES:
                self._stays(UserError(f"cannot read policy {name}: {error}"))
        except UserError as error:
            self._stays(error)
        else:
            _log.info("read the policy again", file=name)

    def _read(self, name: str) -> Policy:
        opened = self._posix.files.open(name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return load(self._posix, opened, self._start)
        finally:
            self._posix.files.close(opened)

    def _stays(self, error: UserError) -> None:
        self.problem = UserError(
            str(error), "\n".join(filter(None, (error.hint, "until then the one before stays in force")))
        )
        _log.error("the policy stays as it was", why=str(error), advice=error.hint)


def _mark(found: Stat) -> tuple[int, ...]:
    """What differs when the file is another or was written."""
    return found.inode, found.device, found.size, found.modified, found.mode, found.uid
