"""The kernel as Snow Fox sees it: one small interface per group.

Every call raises `PosixError(call, object, errno)` when the kernel refuses, unless its docstring says otherwise. Every
descriptor made here is close-on-exec. Nothing blocks except `Poller.wait`, `Files.lock(wait=True)` and calls on files
of a disk. `PosixError.call` is the words of a person ("bind", "change to folder"), `object` what it was done to.

Implementations of equal rank: `linux`, `testing.kernel` (the fake); wrappers: `restricted`, `observed`. One contract
suite (`tests/contract`) proves them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from snowfox.values import Exit


class Stat(NamedTuple):
    """What `stat` tells of a file: mode with its type bits, owner, size in bytes, identity, times in ns."""

    mode: int
    uid: int
    gid: int
    size: int
    inode: int
    device: int
    modified: int
    links: int


class Ids(NamedTuple):
    """Credentials to run with: a user, its group, its further groups."""

    uid: int
    gid: int
    groups: tuple[int, ...]


class User(NamedTuple):
    """An entry of the user database."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


class Identity(NamedTuple):
    """What /proc tells of a process.

    `started` is ns of the boot-time clock (a multiple of a tick, 10 ms); `state` is the letter of proc(5).
    """

    pid: int
    parent: int
    session: int
    group: int
    state: str
    started: int
    uid: int


class Credentials(NamedTuple):
    """Who is at the other end of a unix socket, by the kernel."""

    pid: int
    uid: int
    gid: int


class Received(NamedTuple):
    """One message or chunk: data (b"" at the end), descriptors that came with it, sender where asked for."""

    data: bytes
    descriptors: tuple[int, ...]
    sender: Credentials | None
    truncated: bool


class Spawn(NamedTuple):
    """A program to start in a process of its own.

    Args:
        program: absolute path.
        arguments: argv, its first included.
        environment: the whole environment.
        descriptors: pairs (ours, theirs); all else is closed by close-on-exec.
        session: start it in a session of its own.
    """

    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[tuple[int, int], ...]
    session: bool


class Files(ABC):
    """Open files by path or below an open folder."""

    @abstractmethod
    def open(self, path: str, flags: int, *, mode: int = 0o600, folder: int | None = None) -> int:
        """Open `path`, relative to `folder` where given (then without following a link at its end: O_NOFOLLOW)."""

    @abstractmethod
    def close(self, descriptor: int) -> None:
        """Close it. Closing one that is not open is an error (EBADF)."""

    @abstractmethod
    def read(self, descriptor: int, size: int) -> bytes | None:
        """Up to `size` bytes; b"" at the end; None when there is nothing now (EAGAIN)."""

    @abstractmethod
    def write(self, descriptor: int, data: bytes) -> int | None:
        """How many bytes went; None when none can now (EAGAIN)."""

    @abstractmethod
    def stat(self, path: str | int, *, folder: int | None = None, follow: bool = False) -> Stat:
        """Of a path or an open descriptor."""

    @abstractmethod
    def lock(self, descriptor: int, *, wait: bool) -> bool:
        """Take the exclusive flock(2); False when another has it and `wait` is false."""

    @abstractmethod
    def duplicate(self, descriptor: int, *, least: int = 0) -> int:
        """A second descriptor, not below `least`."""

    @abstractmethod
    def pipe(self) -> tuple[int, int]:
        """A pipe's (read end, write end), both non-blocking."""

    @abstractmethod
    def truncate(self, descriptor: int, size: int) -> None:
        """Cut or extend to `size` bytes."""


class Folders(ABC):
    """Change what is in a folder. Paths are relative to `folder` where it is given."""

    @abstractmethod
    def names(self, folder: int | str) -> list[str]:
        """What is in it, unsorted, without `.` and `..`."""

    @abstractmethod
    def make(self, path: str, mode: int, *, folder: int | None = None) -> None:
        """A new folder with exactly this mode (no umask)."""

    @abstractmethod
    def make_fifo(self, path: str, mode: int, *, folder: int | None = None) -> None:
        """A new FIFO with exactly this mode."""

    @abstractmethod
    def own(self, path: str | int, uid: int, gid: int, *, folder: int | None = None) -> None:
        """Give it to uid:gid; never follows a link."""

    @abstractmethod
    def mode(self, path: str | int, mode: int, *, folder: int | None = None) -> None:
        """Set permission bits."""

    @abstractmethod
    def remove(self, path: str, *, folder: int | None = None, is_folder: bool = False) -> None:
        """Unlink a file, or remove an empty folder."""

    @abstractmethod
    def rename(self, old: str, new: str, *, folder: int | None = None) -> None:
        """Within one folder; replaces `new`."""


class Processes(ABC):
    """Make, know, signal and reap processes."""

    @abstractmethod
    def spawn(self, order: Spawn) -> int:
        """Start a program (posix_spawn: no copy of this process); its pid."""

    @abstractmethod
    def fork(self) -> int:
        """fork(2): 0 in the child."""

    @abstractmethod
    def open(self, pid: int) -> int:
        """A pidfd. ESRCH when there is no such process."""

    @abstractmethod
    def exit_of(self, pid: int, *, reap: bool) -> Exit | None:
        """How our child ended; None while it runs. With `reap` false it stays a zombie. ECHILD: not our child."""

    @abstractmethod
    def any_exit(self) -> tuple[int, Exit] | None:
        """A child that ended, left unreaped (WNOWAIT); None when there is none. ECHILD is None as well."""

    @abstractmethod
    def exit_by_descriptor(self, pidfd: int) -> Exit | None:
        """How the process of a pidfd ended, after somebody else reaped it (PIDFD_GET_INFO, Linux 6.15).

        None when the kernel cannot tell or the process runs.
        """

    @abstractmethod
    def signal(self, pidfd: int, number: int) -> bool:
        """Signal exactly that process; False when it is gone."""

    @abstractmethod
    def signal_group(self, group: int, number: int) -> bool:
        """Signal a process group (kill(2) of -group, group > 1); False when it is empty."""

    @abstractmethod
    def identity(self, pid: int) -> Identity | None:
        """What /proc tells; None when there is no such process."""

    @abstractmethod
    def take_descriptor(self, pidfd: int, number: int) -> int:
        """A duplicate of another process's descriptor (pidfd_getfd)."""


class Own(ABC):
    """What this process is and becomes."""

    @abstractmethod
    def ids(self) -> Ids:
        """Our effective user, group, and groups."""

    @abstractmethod
    def become(self, ids: Ids) -> None:
        """Give up the user for good: groups, gid, uid, real and saved too; checks that no way back is left."""

    @abstractmethod
    def pid(self) -> int:
        """Our pid."""

    @abstractmethod
    def set_subreaper(self) -> None:
        """Orphans below us become our children."""

    @abstractmethod
    def set_no_new_privileges(self) -> None:
        """Nothing that we execute gains rights."""

    @abstractmethod
    def set_dumpable(self, *, dumpable: bool) -> None:
        """Whether others of our uid may trace us."""

    @abstractmethod
    def boot(self) -> str:
        """The id of this boot of the kernel."""

    @abstractmethod
    def pid_namespace(self) -> int:
        """The inode of our pid namespace."""

    @abstractmethod
    def uptime(self) -> int:
        """The boot-time clock, ns."""


class Sockets(ABC):
    """Sockets: addresses are `unix:PATH`, `unix:@ABSTRACT`, `HOST:PORT`, `[HOST]:PORT`, `udp:HOST:PORT`."""

    @abstractmethod
    def pair(self) -> tuple[int, int]:
        """Two joined non-blocking unix stream sockets that take credentials."""

    @abstractmethod
    def bind(self, address: str, *, mode: int | None = None, folder: int | None = None) -> int:
        """A new non-blocking socket bound to the address, SO_REUSEADDR set, IPV6_V6ONLY for IPv6.

        A unix path may be relative to `folder`, of any length (by /proc/self/fd). `udp:` and `unix-datagram:`
        make datagram sockets, the latter receives credentials. Names the address in its error.
        """

    @abstractmethod
    def listen(self, descriptor: int, backlog: int) -> None:
        """Begin to accept."""

    @abstractmethod
    def accept(self, descriptor: int) -> int | None:
        """A non-blocking connection; None when there is none now."""

    @abstractmethod
    def connect(self, address: str, *, folder: int | None = None) -> int:
        """A connected non-blocking stream socket; local addresses only, which connect at once or fail."""

    @abstractmethod
    def send(self, descriptor: int, data: bytes | memoryview, descriptors: tuple[int, ...] = ()) -> int | None:
        """How many bytes went, the descriptors with the first of them (SCM_RIGHTS, at most 253); None: none now."""

    @abstractmethod
    def receive(self, descriptor: int, size: int, *, most: int = 0) -> Received | None:
        """A chunk with up to `most` descriptors; None when there is nothing now. `truncated`: some were lost."""

    @abstractmethod
    def peer(self, descriptor: int) -> Credentials:
        """Who is at the other end (SO_PEERCRED)."""

    @abstractmethod
    def address(self, descriptor: int) -> str:
        """The local address, as `bind` takes it."""

    @abstractmethod
    def is_listening(self, descriptor: int) -> bool:
        """Whether it is a socket that accepts. False for anything else."""


class Users(ABC):
    """The user database. LookupError is not used: an unknown name is None."""

    @abstractmethod
    def by_name(self, name: str) -> User | None:
        """The user with this name."""

    @abstractmethod
    def by_uid(self, uid: int) -> User | None:
        """The user with this number."""

    @abstractmethod
    def groups(self, user: User) -> tuple[int, ...]:
        """All groups of a user, its own included."""

    @abstractmethod
    def group_id(self, name: str) -> int | None:
        """The number of a group."""


class Signals(ABC):
    """Signals to this process, as a descriptor that becomes readable."""

    @abstractmethod
    def watch(self, numbers: tuple[int, ...]) -> int:
        """Catch these from now on; a descriptor (non-blocking) to wait on."""

    @abstractmethod
    def take(self, descriptor: int) -> tuple[int, ...]:
        """The numbers that came since, in order; a burst of one number may count once."""


class Limits(ABC):
    """Resource limits of this process (getrlimit(2)), by name without RLIMIT_, as `NOFILE`."""

    @abstractmethod
    def get(self, name: str) -> tuple[int, int]:
        """(soft, hard); -1 is unlimited."""

    @abstractmethod
    def set(self, name: str, soft: int, hard: int) -> None:
        """Set both."""


class Poller(ABC):
    """Wait for descriptors (epoll(7))."""

    @abstractmethod
    def add(self, descriptor: int, *, write: bool = False) -> None:
        """Wait for it to become readable, and writable where asked."""

    @abstractmethod
    def change(self, descriptor: int, *, write: bool) -> None:
        """Ask, or no longer ask, for writable."""

    @abstractmethod
    def discard(self, descriptor: int) -> None:
        """Forget it. Before it is closed."""

    @abstractmethod
    def wait(self, timeout: float | None) -> list[tuple[int, bool, bool]]:
        """[(descriptor, readable or ended, writable)]; [] when `timeout` seconds are over. None: no end."""


class Posix(ABC):
    """All groups. `core.posix.active()` returns the one in force."""

    files: Files
    folders: Folders
    processes: Processes
    own: Own
    sockets: Sockets
    users: Users
    signals: Signals
    limits: Limits

    @abstractmethod
    def poller(self) -> Poller:
        """A new poller."""
