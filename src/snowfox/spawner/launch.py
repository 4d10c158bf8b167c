"""How a process is made: an order as data, and the launcher in C that carries it out.

`posix_spawn` starts the launcher (no copy of this process, no code of ours between clone and exec), which gives up
rights and executes the program; `launcher.c` says how. Where it was not built, `fork.Forker` takes the same orders.

The environment goes only into the environment, which other users cannot read; an argument list anyone can.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from posixpath import abspath, dirname, join
from typing import Final, NamedTuple

from snowfox.contract.record import Started, launched_line
from snowfox.core.posix.api import Ids, Posix, Spawn

LIMITS: Final = {
    "CPU": 0,
    "FSIZE": 1,
    "DATA": 2,
    "STACK": 3,
    "CORE": 4,
    "RSS": 5,
    "NPROC": 6,
    "NOFILE": 7,
    "MEMLOCK": 8,
    "AS": 9,
    "LOCKS": 10,
    "SIGPENDING": 11,
    "MSGQUEUE": 12,
    "NICE": 13,
    "RTPRIO": 14,
    "RTTIME": 15,
}
"""Names of resource limits and their numbers (asm-generic/resource.h: the same on x86_64 and aarch64)."""

FIRST: Final = 3
"""The first descriptor of passed sockets (sd_listen_fds(3))."""

_UNLIMITED: Final = (1 << 64) - 1
_PID_DIGITS: Final = "0" * 10
BUILT: Final = join(dirname(abspath(__file__)), "launcher")
"""Where the launcher is when there was a compiler."""


class Limit(NamedTuple):
    """A resource limit; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class Order(NamedTuple):
    """A process to make; descriptors are the spawner's.

    Args:
        program: what to execute; without a `/` it is looked for in the environment's PATH.
        arguments: argv.
        environment: the whole environment, without LISTEN_*.
        folder: to change to, as the user.
        ids: to become; None: stay who we are.
        umask: of the process.
        limits: set before anything else.
        record: the locked record.
        status: write end of the pipe that a failing step is told on.
        standard: input, output, error.
        sockets: from descriptor 3 on.
        socket_names: as many as sockets; LISTEN_FDNAMES.
    """

    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    ids: Ids | None
    umask: int
    limits: tuple[Limit, ...]
    record: int
    status: int
    standard: tuple[int, int, int]
    sockets: tuple[int, ...] = ()
    socket_names: tuple[str, ...] = ()

    @property
    def unlisted(self) -> int:
        """The first descriptor that the process must not get; record and status are at it and behind it until then."""
        return FIRST + len(self.sockets)

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Which of ours goes where."""
        ours = (*self.standard, *self.sockets, self.record, self.status)
        return tuple(zip(ours, range(len(ours)), strict=True))

    def listening(self, pid: str) -> dict[str, str]:
        """The whole environment, with LISTEN_* (sd_listen_fds(3)) where sockets are passed."""
        if not self.sockets:
            return self.environment
        return {
            **self.environment,
            "LISTEN_FDS": str(len(self.sockets)),
            "LISTEN_FDNAMES": ":".join(self.socket_names),
            "LISTEN_PID": pid,
        }


class Maker(ABC):
    """Makes processes from orders."""

    @abstractmethod
    def start(self, order: Order) -> int:
        """Start it; the pid. All else is told by record and status pipe: the end of the pipe is the program's start.

        Raises PosixError when there is no process.
        """


class Launcher(Maker):
    """By the program of `launcher.c`.

    Args:
        posix: the kernel.
        program: absolute path of the launcher.
    """

    def __init__(self, posix: Posix, program: str = BUILT) -> None:
        self._posix = posix
        self._program = program
        self._mark = f"{posix.own.boot()} {posix.own.pid_namespace()}"

    def start(self, order: Order) -> int:  # noqa: D102
        ids = order.ids
        words = (
            self._program,
            str(order.unlisted),
            str(order.umask),
            "-" if ids is None else str(ids.uid),
            "-" if ids is None else str(ids.gid),
            "" if ids is None else ",".join(map(str, ids.groups)),
            order.folder,
            self._mark,
            ",".join(
                f"{limit.name}:{LIMITS[limit.name]}:{_plain(limit.soft)}:{_plain(limit.hard)}"
                for limit in order.limits
            ),
            order.program,
            *order.arguments,
        )
        # The launcher writes its pid over the digits.
        environment = order.listening(_PID_DIGITS)
        return self._posix.processes.spawn(
            Spawn(self._program, words, environment, order.descriptors(), session=True)
        )


def maker(posix: Posix, *, program: str = BUILT) -> Maker:
    """The launcher where it was built, else the fork."""
    try:
        posix.files.close(posix.files.open(program, os.O_RDONLY))
    except Exception:  # noqa: BLE001 - whatever the reason, there is another way
        from snowfox.spawner.fork import Forker  # noqa: PLC0415 - only where it is needed

        return Forker(posix)
    return Launcher(posix, program)


def started_line(posix: Posix, mark: tuple[str, int]) -> bytes:
    """The line that a process of ours writes into its record just before it executes its program."""
    return launched_line(Started(posix.own.pid(), posix.own.uptime(), *mark))


def _plain(value: int) -> int:
    return _UNLIMITED if value < 0 else value
