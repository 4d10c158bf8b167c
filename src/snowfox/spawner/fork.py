"""The launcher's steps in Python, after a fork: for hosts where there was no compiler. Same orders, same tests.

Nothing of it runs unless the launcher is missing. It costs 1.7 to 2 times as much, and does not change mounts or
capabilities: what asks for those is refused (`Maker.confines`).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from snowfox.contract.record import Failed, failed_line
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.spawner.launch import Maker, Order, started_line

_TRY_NEXT = {errno.ENOENT, errno.ENOTDIR, errno.EACCES}


class Forker(Maker):
    """By fork and the same steps in the child."""

    def __init__(self, posix: Posix) -> None:
        # The child needs it and, as another user, may not be able to read it.
        import_module("snowfox.core.posix.syscall")

        self._posix = posix
        self._mark = (posix.own.boot(), posix.own.pid_namespace())
        self._made: list[int | PosixError] = []

    def ask(self, order: Order) -> None:  # noqa: D102
        pid = self._posix.processes.fork()
        if pid == 0:
            self._child(order)
        self._made.append(pid)

    def made(self) -> list[int | PosixError]:  # noqa: D102
        made, self._made = self._made, []
        return made

    def close(self) -> None:
        """Nothing to let go of."""

    def _child(self, order: Order) -> NoReturn:
        """Never returns, whatever happens: another spawner would run on."""
        files = self._posix.files
        told = (order.status, order.record)  # the pipe has no limit that could end us
        try:
            self._posix.own.new_session()
            self._place(order)
            told = (order.unlisted + 1, order.unlisted)
            self._become(order)
            self._execute(order)
        except PosixError as error:
            line = failed_line(Failed(error.call, error.object, error.errno))
            for descriptor in told:
                files.write(descriptor, line)
        finally:
            self._posix.own.leave(127)

    def _become(self, order: Order) -> None:
        posix, confinement = self._posix, order.confinement
        if confinement.has_mounts or confinement.capabilities is not None:
            raise PosixError("confine", "", errno.ENOSYS)
        self._join(order)
        if confinement.nice is not None:
            posix.own.set_nice(confinement.nice)
            with suppress(
                PosixError
            ):  # among sessions that of the session counts, where the kernel groups them: sched(7)
                self._put("/proc/self/autogroup", str(confinement.nice), "set nice to")
        if confinement.score is not None:
            self._put(
                "/proc/self/oom_score_adj", str(confinement.score), "set the score of running out of memory"
            )
        for limit in order.limits:
            posix.limits.set(*limit)
        posix.own.umask(order.umask)
        if order.ids is not None:
            posix.own.become(order.ids)
        posix.own.change_folder(order.folder)
        if not confinement.new_privileges:
            posix.own.set_no_new_privileges()
        line = started_line(posix, self._mark)
        posix.files.write(order.unlisted + 1, line)  # first: it ends us (SIGPIPE) where the spawner is gone
        try:
            written = posix.files.write(order.unlisted, line)
        except PosixError as error:
            raise PosixError("write record", "", error.errno) from error
        if written != len(line):  # half a line is none
            raise PosixError("write record", "", errno.ENOSPC)

    def _join(self, order: Order) -> None:
        places = [order.unlisted + 2 + group for group in range(len(order.groups))]
        if order.group:
            places[0] = self._group(places[0], order.group)
        for place in places:
            self._put("cgroup.procs", "0", "join control group", folder=place)

    def _group(self, folder: int, name: str) -> int:
        """Make a group, or find it; open."""
        try:
            self._posix.folders.make(name, 0o755, folder=folder)
        except PosixError as error:
            if error.errno != errno.EEXIST:
                raise PosixError("make control group", name, error.errno) from error
        return self._posix.files.open(name, os.O_RDONLY | os.O_DIRECTORY, folder=folder)

    def _put(self, file: str, text: str, step: str, *, folder: int | None = None) -> None:
        files = self._posix.files
        try:
            opened = files.open(file, os.O_WRONLY, folder=folder)
            files.write(opened, text.encode())
        except PosixError as error:
            raise PosixError(step, file, error.errno) from error
        files.close(opened)

    def _place(self, order: Order) -> None:
        """Descriptors to their places; what would be overwritten before its turn moves out of the way first."""
        posix = self._posix
        pairs = order.descriptors()
        moved = [(posix.files.duplicate(ours, least=len(pairs)), theirs) for ours, theirs in pairs]
        for ours, theirs in moved:
            posix.files.duplicate_to(ours, theirs, inherited=theirs < order.unlisted)
        posix.own.close_range(len(pairs))

    def _execute(self, order: Order) -> NoReturn:
        environment = order.listening(str(self._posix.own.pid()))
        if "/" in order.program:
            self._posix.own.execute(order.program, order.arguments, environment)
        number = errno.ENOENT
        path = environment.get("PATH")
        for part in path.split(":") if path is not None and order.program else ():
            try:
                self._posix.own.execute(
                    f"{part}/{order.program}" if part else order.program, order.arguments, environment
                )
            except PosixError as error:
                if error.errno not in _TRY_NEXT:
                    raise PosixError("execute", order.program, error.errno) from error
                if error.errno == errno.EACCES:
                    number = errno.EACCES
        raise PosixError("execute", order.program, number)
