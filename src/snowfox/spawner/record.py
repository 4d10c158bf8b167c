"""Records and output FIFOs: the spawner's own folder of what it launched. The format is `contract.record`'s.

The folder belongs to the spawner's user and nobody else can enter it: the owner of a FIFO in a folder of its own could
swap it for a link under a chown.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Final

from snowfox.contract.record import (
    ERRORS,
    FOLDER,
    LARGEST,
    OUTPUT,
    Main,
    Record,
    exit_line,
    groups_line,
    is_token,
    main_line,
    note_line,
    parse,
    sockets_line,
)
from snowfox.core.posix.api import Ids, Posix
from snowfox.errors import PosixError
from snowfox.values import Exit

_READ_AND_APPEND: Final = os.O_RDWR | os.O_APPEND


class Records:
    """The folder `launches` in the node's run folder; made when it is not there.

    Args:
        posix: the kernel.
        run: the node's run folder, open.
        manager: gid that may read output FIFOs.
    """

    def __init__(self, posix: Posix, run: int, *, manager: int) -> None:
        self._posix = posix
        self._files = posix.files
        self._own = posix.own.ids()
        self._manager = manager
        try:
            posix.folders.make(FOLDER, 0o700, folder=run)
        except PosixError as error:
            if error.errno != errno.EEXIST:
                raise
        self._folder = posix.files.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY, folder=run)
        self._spare = posix.files.duplicate(self._folder)

    def tokens(self) -> list[str]:
        """All tokens that have a record, sorted. A FIFO whose record is gone is removed."""
        names = set(self._posix.folders.names(self._folder))
        tokens = {name for name in names if is_token(name)}
        for name in names - tokens:
            if name.endswith((OUTPUT, ERRORS)) and name[: -len(OUTPUT)] not in tokens:
                self._remove(name)
        return sorted(tokens)

    def create(self, token: str, sockets: list[str], note: str = "", *, groups: tuple[str, ...] = ()) -> int:
        """A new record, locked; the descriptor, which a child inherits and the caller closes.

        Raises PosixError (EEXIST: this token was launched before).
        """
        record = self._files.open(token, _READ_AND_APPEND | os.O_CREAT | os.O_EXCL, folder=self._folder)
        try:
            self._files.lock(record, wait=False)
            lines = (sockets_line(sockets) if sockets else b"") + (groups_line(groups) if groups else b"")
            self._write(record, lines + (note_line(note) if note else b""))
        except PosixError:
            self._files.close(record)
            self._remove(token)
            raise
        return record

    def settled(self, token: str) -> Record | None:
        """What a record says once no child is under way; None while its lock is held. Does not wait."""
        record = self._open(token, _READ_AND_APPEND)
        try:
            if not self._files.lock(record, wait=False):
                return None
            return parse(self._files.read_at(record, LARGEST, offset=0))
        finally:
            self._close(record)

    def read(self, token: str) -> Record:
        """What a record says now; an empty one when it is gone."""
        try:
            record = self._open(token, os.O_RDONLY)
        except PosixError as error:
            if error.errno == errno.ENOENT:
                return Record()
            raise
        try:
            return parse(self._files.read_at(record, LARGEST, offset=0))
        finally:
            self._close(record)

    def write_exit(self, token: str, exit: Exit, at: int) -> None:
        """Add how it ended. The first to be written counts."""
        self._append(token, exit_line(exit, at))

    def write_main(self, token: str, main: Main) -> None:
        """Add another main process; an exit that was written does not count any more."""
        self._append(token, main_line(main))

    def _append(self, token: str, line: bytes) -> None:
        record = self._open(token, os.O_WRONLY | os.O_APPEND)
        try:
            self._files.write(record, line)
        finally:
            self._close(record)

    def make_output(self, token: str, ids: Ids, stream: str = OUTPUT) -> tuple[int, int]:
        """A FIFO for the output of a process with these ids: its descriptor for the process, and a read end.

        The process's is opened for reading and writing, so that it waits, and is not killed, when nobody reads; opened
        anew for each launch, because a program may leave O_NONBLOCK on it.
        """
        name = token + stream
        self._posix.folders.make_fifo(name, 0o640, folder=self._folder)
        try:
            if (ids.uid, self._manager) != self._own[:2]:
                self._posix.folders.own(name, ids.uid, self._manager, folder=self._folder)
            output = self._files.open(name, os.O_RDWR, folder=self._folder)
            try:
                return output, self._files.open(name, os.O_RDONLY | os.O_NONBLOCK, folder=self._folder)
            except PosixError:
                self._files.close(output)
                raise
        except PosixError:
            self._remove(name)
            raise

    def open_output(self, token: str, stream: str = OUTPUT) -> int | None:
        """A read end of the output of an earlier launch; None where it was not captured."""
        try:
            return self._files.open(token + stream, os.O_RDONLY | os.O_NONBLOCK, folder=self._folder)
        except PosixError as error:
            if error.errno == errno.ENOENT:
                return None
            raise

    def remove(self, token: str, *, has_errors: bool = True) -> None:
        """Drop record and FIFOs; what is gone already is fine."""
        self._remove(token + OUTPUT)
        if has_errors:
            self._remove(token + ERRORS)
        self._remove(token)

    def _write(self, record: int, lines: bytes) -> None:
        """All of it: half a line would spoil the next."""
        if lines and self._files.write(record, lines) != len(lines):
            raise PosixError("write record", "", errno.ENOSPC)

    def _open(self, token: str, flags: int) -> int:
        """A record, for a moment: where descriptors are used up, in the place of one that is kept for that."""
        try:
            return self._files.open(token, flags, folder=self._folder)
        except PosixError as error:
            if self._spare < 0 or error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
        self._files.close(self._spare)
        self._spare = -1
        return self._files.open(token, flags, folder=self._folder)

    def _close(self, record: int) -> None:
        self._files.close(record)
        if self._spare < 0:
            with suppress(PosixError):  # the host has no more: the next time may find one
                self._spare = self._files.duplicate(self._folder)

    def _remove(self, name: str) -> None:
        try:
            self._posix.folders.remove(name, folder=self._folder)
        except PosixError as error:
            if error.errno != errno.ENOENT:
                raise
