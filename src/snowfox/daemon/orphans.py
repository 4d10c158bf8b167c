"""Services whose spawner died: the daemon, their sub-reaper, writes down how they ended, then reaps them.

Which child is which launch is known from the records. They are read once after each death of a spawner, since no
launch of it can come later but those whose launcher was under way; these, and what could not be read, are looked at
again, and so is what has another main process, which need not be a child of the spawner that follows it.
"""

from __future__ import annotations

import os
from errno import ENOENT

from snowfox.contract.record import ERRORS, LARGEST, OUTPUT, Record, exit_line, is_token, parse
from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.values import Exit

_log = get("daemon")


class Orphans:
    """The launches of spawners that died.

    Args:
        posix: the kernel.
        launches: the folder of records.
    """

    def __init__(self, posix: Posix, launches: int) -> None:
        self._posix = posix
        self._launches = launches
        self._boot = posix.own.boot()
        self._namespace = posix.own.pid_namespace()
        self._known: dict[int, tuple[str, int]] = {}
        self._open: set[str] = set()
        self._is_stale = False

    def spawner_died(self) -> None:
        """From now on children may come that were launched by it."""
        self._is_stale = True

    def followed(self, token: str) -> None:
        """The record of this launch names another main process."""
        self._known = {pid: known for pid, known in self._known.items() if known[0] != token}
        self._open.add(token)

    def settle(self, pid: int, exit: Exit) -> str | None:
        """Write the exit of a child that ended and is not reaped yet; the token of its launch, None for others.

        A record that has an exit already (its spawner died between writing and reaping) is left alone: None.
        """
        token = self._find(pid)
        if token is None:
            return None
        try:
            opened = self._posix.files.open(token, os.O_WRONLY | os.O_APPEND, folder=self._launches)
            try:
                self._posix.files.write(opened, exit_line(exit, self._posix.own.uptime()))
            finally:
                self._posix.files.close(opened)
        except PosixError as error:  # the spawner is told all the same
            _log.warning("cannot write an exit into its record", token=token, error=str(error))
        return token

    def _find(self, pid: int) -> str | None:
        if self._is_stale:
            self._read_all()
        elif pid not in self._known and self._open:
            self._read(list(self._open))
        found = self._known.pop(pid, None)
        if found is None:
            return None
        token, written = found
        identity = self._posix.processes.identity(pid)
        # A pid that was used again belongs to a process that began after the record was written.
        is_same = identity is not None and identity.started <= written
        return token if is_same and self._is_main(token, pid) else None

    def _is_main(self, token: str, pid: int) -> bool:
        """Whether no other has taken its place meanwhile. What cannot be read is as it was."""
        record = self._record(token)
        return record is None or record.main is None or record.main.pid == pid

    def _read_all(self) -> None:
        try:
            names = self._posix.folders.names(self._launches)
        except PosixError as error:  # out of descriptors, for one: the next exit asks again
            _log.warning("cannot read the records", error=str(error))
            return
        self._is_stale = False
        self._read(names)

    def _read(self, names: list[str]) -> None:
        for name in names:
            if name.endswith((OUTPUT, ERRORS)) or not is_token(name):
                continue
            self._open.discard(name)
            record = self._record(name)
            if record is None or record.failed is not None or record.exit is not None:
                continue
            if record.started is None or record.main is None:
                self._open.add(name)
            elif (record.started.boot, record.started.namespace) == (self._boot, self._namespace):
                self._known[record.main.pid] = (name, record.main.at)

    def _record(self, name: str) -> Record | None:
        try:
            opened = self._posix.files.open(name, os.O_RDONLY | os.O_NONBLOCK, folder=self._launches)
        except PosixError as error:
            if error.errno != ENOENT:  # else forgotten meanwhile
                self._open.add(name)
                _log.warning("cannot read a record", token=name, error=str(error))
            return None
        try:
            return parse(self._posix.files.read(opened, LARGEST) or b"")
        finally:
            self._posix.files.close(opened)
