"""How a process is made: an order as data, and the launcher in C that carries it out.

The launcher is one small process that is started with the spawner, gets orders over a socket and forks for each: so a
launch copies neither this process nor its table of descriptors, which has two for each service, and nobody waits until
a program is executed. `launcher.c` says how. Where it was not built, `fork.Forker` takes the same orders.
"""

from __future__ import annotations

import errno
import os
import struct
from abc import ABC, abstractmethod
from posixpath import abspath, dirname, join
from typing import Final

from snowfox.contract.record import Started, launched_line
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, Posix, Spawn
from snowfox.errors import PosixError
from snowfox.values import Seconds

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
_HEAD: Final = struct.Struct(
    "@7L"
)  # size of the texts; how many arguments, variables, descriptors, groups; unified; streams
_ANSWER: Final = struct.Struct("@l")  # a pid, or a negative errno
_ROOM: Final = 8 << 20  # what the launcher keeps of an order; the kernel takes 6 MiB
_FIELDS: Final = 13
_LEAVES_WITHIN: Final[Seconds] = 2.0
BUILT: Final = join(dirname(abspath(__file__)), "launcher")
"""Where the launcher is when there was a compiler."""


class Limit(NamedTuple):
    """A resource limit; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class Confinement(NamedTuple):
    """What a process is kept from, besides limits.

    Args:
        nice: its priority, -20 to 19; None: ours.
        score: of running out of memory, -1000 to 1000; None: ours.
        new_privileges: whether what it executes may gain rights.
        capabilities: the mask of those that it may have at most, and does have if it is not root; None: not asked.
        mapped: ids that are mapped into a user namespace of its own; None: it has none.
        private: folders in place of which it has empty ones in memory.
        read_only: paths that it cannot change.
        writable: paths below them that it can.
    """

    nice: int | None = None
    score: int | None = None
    new_privileges: bool = False
    capabilities: int | None = None
    mapped: Ids | None = None
    private: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()

    @property
    def has_mounts(self) -> bool:
        """Whether it needs a mount namespace of its own."""
        return bool(self.private or self.read_only or self.writable)


FREE: Final = Confinement()
"""As it comes: nobody gains rights."""


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
        null: /dev/null, its input.
        output: its output.
        record: the locked record.
        status: write end of a pipe that what goes into the record goes to as well.
        sockets: from descriptor 3 on.
        socket_names: as many as sockets; LISTEN_FDNAMES.
        secrets: further descriptors, behind the sockets.
        confinement: what it is kept from.
        groups: folders of control groups to join; the first is that of version 2, where there is one.
        is_unified: whether there is.
        errors: what it says about itself; -1: goes to its output.
        input: what it reads; -1: nothing, `null`.
        group: the name of the group that is made in the first of them, in its place; "": the first is to be joined.
    """

    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    ids: Ids | None
    umask: int
    limits: tuple[Limit, ...]
    null: int
    output: int
    record: int
    status: int
    sockets: tuple[int, ...] = ()
    socket_names: tuple[str, ...] = ()
    secrets: tuple[int, ...] = ()
    confinement: Confinement = FREE
    groups: tuple[int, ...] = ()
    is_unified: bool = False
    errors: int = -1
    input: int = -1
    group: str = ""

    @property
    def unlisted(self) -> int:
        """The first descriptor that the process must not get; record and status are at it and behind it until then."""
        return FIRST + len(self.sockets) + len(self.secrets)

    @property
    def streams(self) -> tuple[int, ...]:
        """Its input, output and errors; its output alone where that is all."""
        if self.errors < 0 and self.input < 0:
            return (self.output,)
        errors = self.output if self.errors < 0 else self.errors
        return (self.null if self.input < 0 else self.input, self.output, errors)

    @property
    def passed(self) -> tuple[int, ...]:
        """What comes behind its streams."""
        return (*self.sockets, *self.secrets, self.record, self.status, *self.groups)

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Which of ours goes where."""
        streams = self.streams if len(self.streams) > 1 else (self.null, self.output, self.output)
        return tuple((ours, place) for place, ours in enumerate((*streams, *self.passed)))

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
    """Makes processes from orders. `confines`: also such as ask for mounts or capabilities."""

    confines: bool = False

    @abstractmethod
    def ask(self, order: Order) -> None:
        """Ask for a process. What becomes of it is told by `made`, and then by record and status pipe.

        Each leads a session of its own before it does anything else; the end of its status pipe is its program's
        start, or its end. The order's descriptors may be closed after this. Raises PosixError when there will be none.
        """

    @abstractmethod
    def made(self) -> list[int | PosixError]:
        """For each that was asked for since the last time, in order: its pid, or why there is none."""

    @abstractmethod
    def close(self) -> None:
        """Nothing more will be asked for: let go of what making needs."""


class Launcher(Maker):
    """By the program of `launcher.c`, a child of ours that makes more of them.

    Args:
        posix: the kernel.
        program: absolute path of the launcher.
    """

    confines = True

    def __init__(self, posix: Posix, program: str = BUILT) -> None:
        self._posix = posix
        self._program = program
        self._mark = f"{posix.own.boot()} {posix.own.pid_namespace()}"
        self._pid = 0
        self._socket = -1
        self._asked = 0
        self._made: list[int | PosixError] = []
        self._begin()

    def ask(self, order: Order) -> None:  # noqa: D102
        content = self._content(order)
        descriptors = (*order.streams, *order.passed)
        try:
            if not self._sent(content, descriptors):  # somebody killed it
                self._collect()
                self.close()
                self._begin()
                self._sent(content, descriptors)
        except PosixError as error:
            raise PosixError("start", order.program, error.errno) from error
        self._asked += 1

    def made(self) -> list[int | PosixError]:  # noqa: D102
        self._collect()
        made, self._made = self._made, []
        return made

    def _collect(self) -> None:
        """Wait for the answers to what was asked; of a launcher that is gone none comes."""
        content = b""
        while len(content) < self._asked * _ANSWER.size:
            try:
                more = self._posix.files.read(self._socket, self._asked * _ANSWER.size - len(content))
            except PosixError:
                more = None
            content += more or _ANSWER.pack(-errno.ECHILD) * self._asked
        answers = [answer for (answer,) in _ANSWER.iter_unpack(content)][: self._asked]
        self._made += [pid if pid > 0 else PosixError("start", "", -pid) for pid in answers]
        self._asked = 0

    def close(self) -> None:
        """End the launcher, and wait for its end (2 s at most)."""
        if self._socket < 0:
            return
        self._posix.files.close(self._socket)
        self._socket = -1
        pidfd, poller = self._posix.processes.open(self._pid), self._posix.poller()
        try:
            poller.add(pidfd)
            poller.wait(_LEAVES_WITHIN)
        finally:
            poller.close()
            self._posix.files.close(pidfd)
        self._posix.processes.exit_of(self._pid, reap=True)

    def _content(self, order: Order) -> bytes:
        ids = order.ids
        environment = order.listening(_PID_DIGITS)  # the launcher writes the pid over the digits
        texts = (
            order.group,
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
            *_confined(order.confinement),
            order.program,
            *order.arguments,
            *map("=".join, environment.items()),
            "",
        )
        content = os.fsencode("\0".join(texts))
        arguments, variables = len(order.arguments), len(environment)
        if len(content) + 8 * (_FIELDS + arguments + variables + 3) > _ROOM:
            raise PosixError("start", order.program, errno.E2BIG)
        groups = len(order.groups)
        streams = len(order.streams)
        descriptors = streams + len(order.passed)
        head = _HEAD.pack(len(content), arguments, variables, descriptors, groups, order.is_unified, streams)
        return head + content

    def _begin(self) -> None:
        files, processes = self._posix.files, self._posix.processes
        ours, theirs = self._posix.sockets.pair()
        null = -1
        try:
            for end in (ours, theirs):
                files.set_blocking(end, blocking=True)
            null = files.open("/dev/null", os.O_RDWR)
            places = ((null, 0), (null, 1), (null, 2), (theirs, 3))
            self._pid = processes.spawn(Spawn(self._program, (self._program,), {}, places, session=True))
        except BaseException:
            files.close(ours)
            raise
        finally:
            files.close(theirs)
            if null >= 0:
                files.close(null)
        self._socket = ours

    def _sent(self, content: bytes, descriptors: tuple[int, ...]) -> bool:
        """Send an order; False when the launcher is gone."""
        if self._socket < 0:
            return False
        try:
            sent = self._posix.sockets.send(self._socket, content, descriptors) or 0
            while sent < len(content):
                sent += self._posix.sockets.send(self._socket, content[sent:]) or 0
        except PosixError as error:
            if error.errno not in {errno.EPIPE, errno.ECONNRESET}:
                raise
            return False
        return True


def choose(posix: Posix, *, program: str = BUILT) -> Maker:
    """The launcher where it was built and can be started, else the fork."""
    try:
        return Launcher(posix, program)
    except PosixError:
        from snowfox.spawner.fork import Forker  # noqa: PLC0415 - only where it is needed

        return Forker(posix)


def started_line(posix: Posix, mark: tuple[str, int]) -> bytes:
    """The line that a process of ours writes into its record just before it executes its program."""
    return launched_line(Started(posix.own.pid(), posix.own.uptime(), *mark))


def _confined(confinement: Confinement) -> tuple[str, str, str, str]:
    if confinement is FREE:
        return "", "", "-", ""
    nice, score, mapped = confinement.nice, confinement.score, confinement.mapped
    mask = "-" if confinement.capabilities is None else str(confinement.capabilities)
    mounts = [f"u{mapped.uid} {mapped.gid}"] if mapped is not None and confinement.has_mounts else []
    mounts += [f"r{path}" for path in confinement.read_only]
    mounts += [f"t{path}" for path in confinement.private]
    mounts += [f"w{path}" for path in confinement.writable]
    return (
        "" if nice is None else str(nice),
        "" if score is None else str(score),
        ("+" if confinement.new_privileges else "") + mask,
        "".join(f"{line}\n" for line in mounts),
    )


def _plain(value: int) -> int:
    return _UNLIMITED if value < 0 else value
