"""How processes ended: asked of the kernel, written into the record, then told; reaped only when forgotten."""

from __future__ import annotations

import errno
import signal
from typing import Final

from snowfox.contract.record import Main
from snowfox.core import log
from snowfox.core.named import NamedTuple
from snowfox.errors import PosixError
from snowfox.spawner.events import ExitKnown, Followed, Left
from snowfox.spawner.held import Handle, Kit
from snowfox.values import UNKNOWN_EXIT, Exit, Seconds

PATIENCE: Final = 100
"""How often an exit is looked for that the daemon has to write down; then it is unknown."""

PATIENCE_WITH_STRANGERS: Final = 6
"""The same where its parent is somebody else, who writes nothing: only the pidfd may still tell, once it is reaped."""

SOON: Final[Seconds] = 0.005
"""How long until it is looked whether what was left of a launch ended; longer and longer, up to `SELDOM`."""
SELDOM: Final[Seconds] = 1.0

KILL: Final = int(signal.SIGKILL)
"""Ends a launch, also where others of it are left: that of its main process alone is not asked about."""
_LONG: Final = 5_000_000_000  # ns after which we say that something does not end

_log = log.get("spawner")


class _Lingering(NamedTuple):
    """An exit that is known, of a launch of which processes are left."""

    exit: Exit
    at: int
    is_told: bool = False


class _Seen(NamedTuple):
    """An exit that is known, while it is asked whether another process is to be followed; `is_written`: in the record."""

    exit: Exit
    is_written: bool


class Exits:
    """Finds out how processes ended.

    `daemon` is the pid of the daemon, who reaps what an earlier spawner launched; 0 while there is none.
    """

    def __init__(self, kit: Kit) -> None:
        self.daemon = kit.posix.own.parent()
        self._kit = kit
        self._posix = kit.posix
        self._again: set[str] = set()
        self._lingering: dict[str, _Lingering] = {}
        self._left: dict[str, _Seen] = {}

    @property
    def wants_look(self) -> bool:
        """Whether there are exits that others have to write down first."""
        return bool(self._again)

    def look_again(self) -> None:
        """Look for those."""
        again, self._again = self._again, set()
        for token in again:
            self.find(token, None)

    @property
    def wants_end(self) -> bool:
        """Whether there are some whose main process ended, and others of it did not."""
        return bool(self._lingering)

    def patience(self) -> Seconds:
        """How long until the next look for those: longer and longer after the last of them."""
        age = (self._kit.clock.boot() - max(one.at for one in self._lingering.values())) / 1e9
        return min(max(age / 4, SOON), SELDOM)

    def look_for_end(self) -> None:
        """Look whether those ended. An exit is told only then: nothing starts beside what is left of it."""
        for token, lingering in list(self._lingering.items()):
            handle = self._kit.held.get(token)
            if handle is None or self._is_over(handle):
                del self._lingering[token]
                self._kit.say(ExitKnown(token, lingering.exit, lingering.at))
            elif self._kit.clock.boot() - lingering.at > _LONG and not lingering.is_told:
                self._lingering[token] = lingering._replace(is_told=True)
                left = self._kit.groups.members(handle.groups)
                _log.error("SIGKILL does not end what is left of a service", token=token, pids=left[:20])

    def find(self, token: str, told: Exit | None) -> None:
        """Find out how it ended and write it down. Says ExitKnown, now or after `look_again`; or Left, before `bury`.

        Args:
            token: the launch.
            told: what the daemon said, which wrote it into the record.
        """
        handle = self._kit.held.get(token)
        if handle is None:
            return
        try:
            self._find(token, handle, told)
        except PosixError as error:
            _log.error("cannot find out how a process ended", token=token, error=str(error))
            if error.errno == errno.ECHILD:
                self._known(token, handle, UNKNOWN_EXIT, is_written=False)
            else:  # out of descriptors, for one: looked for again
                self._again.add(token)

    def _find(self, token: str, handle: Handle, told: Exit | None) -> None:
        if told is not None and handle.has_moved and self._lives(handle):
            self._goes_on(token, handle)
        elif told is not None:
            self._known(token, handle, told, is_written=True)
        elif handle.is_child and not handle.has_moved:
            seen = self._posix.processes.exit_of(handle.pid, reap=False)
            if seen is None:
                self._again.add(token)
            else:
                self._known(token, handle, seen, is_written=False)
        else:
            self._find_orphans(token, handle)

    def bury(self, token: str) -> None:
        """Nobody is to be followed of one that left: write its exit down. Says ExitKnown, now or after `look_for_end`."""
        left, handle = self._left.pop(token, None), self._kit.held.get(token)
        if left is not None and handle is not None:
            self._over(token, handle, left.exit, is_written=left.is_written)

    def goes_on(self, token: str) -> None:
        """Another main process is followed: that of before did not end the launch."""
        self._left.pop(token, None)
        self._again.discard(token)

    def write(self, token: str, seen: Exit, at: int) -> None:
        """Write an exit into the record; a failure is logged, the exit stays known."""
        try:
            self._kit.records.write_exit(token, seen, at)
        except PosixError as error:
            _log.error("cannot write an exit into its record", token=token, exit=str(seen), error=str(error))

    def _find_orphans(self, token: str, handle: Handle) -> None:
        """Its parent, the daemon, writes the exit down before it reaps: who is no zombie any more has been reaped."""
        handle.looks += 1
        found = self._posix.processes.identity(handle.main)
        seen = self._kit.records.read(token).exit
        if seen is None and found is not None and found.started <= (handle.followed or handle.started):
            patience = PATIENCE if found.parent == self.daemon else PATIENCE_WITH_STRANGERS
            if handle.looks < patience:
                self._again.add(token)
                return
        is_written = seen is not None
        if seen is None and handle.pidfd >= 0:
            seen = self._posix.processes.exit_by_descriptor(handle.pidfd)
        self._known(token, handle, seen or UNKNOWN_EXIT, is_written=is_written)

    def _goes_on(self, token: str, handle: Handle) -> None:
        """The daemon meant the one before, and may have written that end below the line that names the main process."""
        try:
            self._kit.records.write_main(token, Main(handle.main, handle.followed))
        except PosixError as error:
            _log.error("cannot write a main process into its record", token=token, error=str(error))
        self._kit.say(Followed(token, handle.main))

    def _lives(self, handle: Handle) -> bool:
        found = self._posix.processes.identity(handle.main)
        return found is not None and found.state not in "ZX" and found.started <= handle.followed

    def _known(self, token: str, handle: Handle, seen: Exit, *, is_written: bool) -> None:
        """Who ends with others of it left may have named one that takes its place, just before."""
        self._again.discard(token)
        if seen.signal != KILL and handle.speaks and not self._is_alone(handle):
            self._left[token] = _Seen(seen, is_written)
            self._kit.say(Left(token))
        else:
            self._over(token, handle, seen, is_written=is_written)

    def _is_alone(self, handle: Handle) -> bool:
        return bool(handle.groups) and not self._kit.groups.members(handle.groups)

    def _over(self, token: str, handle: Handle, seen: Exit, *, is_written: bool) -> None:
        handle.ended = at = self._kit.clock.boot()
        if handle.groups and not seen.reached:
            seen = seen._replace(reached=self._kit.groups.reached(handle.groups))
        if not is_written:
            self.write(token, seen, at)
        if handle.pidfd >= 0:
            self._kit.held.close(handle.pidfd)
            handle.pidfd = -1
        if self._is_over(handle):
            self._kit.say(ExitKnown(token, seen, at))
        else:
            self._lingering[token] = _Lingering(seen, at)

    def _is_over(self, handle: Handle) -> bool:
        """Whether nothing of it is left; what is left in its groups is killed. Without groups nobody knows.

        But for the process that was launched, where another is followed: our child, and reaped once all is forgotten.
        """
        if not handle.groups:
            return not self._first_lives(handle)
        if not self._kit.groups.remove(handle.groups):
            self._kit.groups.kill(handle.groups)
            if not self._kit.groups.remove(handle.groups):
                return False
        handle.groups = ()
        return True

    def _first_lives(self, handle: Handle) -> bool:
        if not handle.is_child or not handle.has_moved:
            return False
        if self._posix.processes.exit_of(handle.pid, reap=False) is not None:
            return False
        self._posix.processes.signal_group(handle.pid, KILL)
        return True
