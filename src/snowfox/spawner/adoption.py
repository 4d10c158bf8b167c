"""The way back: what an earlier spawner launched is found by its records and taken over.

Each record is locked first: a child that was under way holds the lock until its program is executed or it is gone. Such
a launch is looked at again, so that one child that hangs (its folder on a server that does not answer) hinders nobody.
"""

from __future__ import annotations

import errno

from snowfox.contract.record import ERRORS, Main, Record
from snowfox.core import log
from snowfox.errors import PosixError
from snowfox.spawner.events import Ended, Found, FoundUnderWay, NeverLaunched
from snowfox.spawner.exits import KILL, Exits
from snowfox.spawner.held import Handle, Kit
from snowfox.values import UNKNOWN_EXIT

_log = log.get("spawner")


class Adoption:
    """Takes launches over, at the start and when a launcher that was under way is done."""

    def __init__(self, kit: Kit, exits: Exits) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._exits = exits
        self._world = (kit.posix.own.boot(), kit.posix.own.pid_namespace())
        self._under_way: set[str] = set()

    @property
    def wants_look(self) -> bool:
        """Whether launchers are under way."""
        return bool(self._under_way)

    def look_again(self) -> None:
        """Look at those that are under way."""
        for token in sorted(self._under_way):
            try:
                self._adopt(token, is_new=False)
            except PosixError as error:  # out of descriptors, for one: looked at again
                _log.error("cannot take over a launch", token=token, error=str(error))
                self._under_way.add(token)

    def begin(self) -> None:
        """Look at all records. Says Found and FoundUnderWay; drops those of launches that made no process."""
        tokens = self._kit.records.tokens()
        self._kit.groups.begin(set(tokens))
        for token in tokens:
            self._adopt(token, is_new=True)

    def _adopt(self, token: str, *, is_new: bool) -> None:
        record = self._kit.records.settled(token)
        if record is None:
            if is_new:
                self._under_way.add(token)
                self._kit.say(FoundUnderWay(token))
            return
        self._under_way.discard(token)
        started, main = record.started, record.main
        if started is None or main is None or record.failed is not None:
            self._kit.groups.drop(record.groups)
            self._kit.records.remove(token)
            if not is_new:
                self._kit.say(NeverLaunched(token))
            return
        output = self._kit.records.open_output(token)
        handle = Handle(started.pid, -1, output, record.sockets, record.groups)
        handle.errors = self._kit.records.open_output(token, ERRORS)
        handle.started = started.at
        handle.main = handle.session = main.pid
        handle.followed = 0 if record.followed is None else main.at
        handle.note = record.note
        if record.exit is None and (started.boot, started.namespace) == self._world:
            try:
                handle.pidfd = self._running(handle, main)
            except PosixError:
                for end in (handle.output, handle.errors):
                    if end is not None:
                        self._posix.files.close(end)
                raise
        self._kit.held.put(token, handle)
        if handle.pidfd >= 0:
            self._kit.say(Found(token, main.pid, started.at))
        else:
            self._gone(token, handle, record)

    def _running(self, handle: Handle, main: Main) -> int:
        """A pidfd of the process that was there then; -1 when it is gone. First the pidfd, then the comparison.

        A zombie counts as running: its pidfd says at once that it ended, and its parent will say how.
        """
        try:
            pidfd = self._posix.processes.open(main.pid)
        except PosixError as error:
            if error.errno in {errno.ESRCH, errno.EINVAL}:  # EINVAL: the number is a thread's now
                return -1
            raise
        identity = self._posix.processes.identity(main.pid)
        if identity is not None and identity.started <= main.at:
            handle.session = identity.session
            return pidfd
        self._posix.files.close(pidfd)
        return -1

    def _gone(self, token: str, handle: Handle, record: Record) -> None:
        """Read again: the daemon may have written the exit, and reaped, since."""
        if record.exit is None:
            record = self._kit.records.read(token)
        seen, at = record.exit, record.exit_at
        if seen is None:
            seen, at = UNKNOWN_EXIT, self._kit.clock.boot()
            self._exits.write(token, seen, at)
        if seen.signal != KILL and self._kit.groups.members(handle.groups):
            # Before it ended it may have named one of these, and nobody was there who follows it: as if it ended now.
            self._kit.say(Found(token, handle.main, handle.started))
            self._kit.say(Ended(token))
            return
        handle.ended = at
        self._kit.groups.drop(handle.groups)
        handle.groups = ()
        self._kit.say(Found(token, handle.main, handle.started, seen, at))
