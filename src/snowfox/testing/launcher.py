"""The launcher on the fake kernel: the steps of `launcher.c`, for each order a program that a test installs."""

from __future__ import annotations

from contextlib import suppress

from snowfox.contract.record import Failed, Started, failed_line, launched_line
from snowfox.core.posix.api import Ids, Spawn
from snowfox.errors import PosixError
from snowfox.spawner.launch import Maker, Order
from snowfox.testing.kernel import FakeKernel, FakePosix, Gone
from snowfox.testing.kernel.process import FakeProcess

PATH = "/usr/lib/snowfox/launcher"
"""Where `install` puts it."""


class FakeLauncher(Maker):
    """Makes processes on the fake kernel, by the program at `PATH`."""

    def __init__(self, posix: FakePosix) -> None:
        self._posix = posix
        self._mark = f"{posix.own.boot()} {posix.own.pid_namespace()}"
        self._made: list[int | PosixError] = []

    def made(self) -> list[int | PosixError]:
        """See `Maker`."""
        made, self._made = self._made, []
        return made

    def ask(self, order: Order) -> None:
        """See `Maker`."""
        ids = order.ids
        words = (
            PATH,
            str(order.unlisted),
            str(order.umask),
            "-" if ids is None else str(ids.uid),
            "-" if ids is None else str(ids.gid),
            "" if ids is None else ",".join(map(str, ids.groups)),
            order.folder,
            self._mark,
            ",".join(f"{limit.name}:{limit.soft}:{limit.hard}" for limit in order.limits),
            order.program,
            *order.arguments,
        )
        environment = order.listening("")
        spawn = Spawn(PATH, words, environment, order.descriptors(), session=True)
        self._made.append(self._posix.processes.spawn(spawn))

    def close(self) -> None:
        """Nothing to let go of."""


def install(kernel: FakeKernel) -> str:
    """Make `PATH` a program that behaves as the launcher does; returns the path."""
    kernel.install(PATH, lambda process: _run(kernel, process))
    return PATH


def _run(kernel: FakeKernel, process: FakeProcess) -> None:
    with suppress(Gone):
        _steps(FakePosix(kernel, process=process), process)


def _steps(posix: FakePosix, process: FakeProcess) -> None:
    _, first, umask, uid, gid, groups, folder, mark, limits, program, *arguments = process.arguments
    record, status = int(first), int(first) + 1
    try:
        for limit in filter(None, limits.split(",")):
            name, soft, hard = limit.split(":")
            posix.limits.set(name, int(soft), int(hard))
        posix.own.umask(int(umask))
        if uid != "-":
            posix.own.become(Ids(int(uid), int(gid), tuple(map(int, groups.split(",")))))
        posix.own.change_folder(folder)
        posix.own.set_no_new_privileges()
        boot, namespace = mark.split(" ")
        started = Started(process.pid, posix.own.uptime(), boot, int(namespace))
        for told in (status, record):
            posix.files.write(told, launched_line(started))
        environment = dict(process.environment)
        if "LISTEN_PID" in environment:
            environment["LISTEN_PID"] = str(process.pid)
        for descriptor in (record, status):
            posix.files.duplicate_to(descriptor, descriptor, inherited=False)
        posix.own.execute(program, tuple(arguments), environment)
    except PosixError as error:
        line = failed_line(Failed(error.call, error.object, error.errno))
        posix.files.write(record, line)
        posix.files.write(status, line)
        posix.own.leave(127)
