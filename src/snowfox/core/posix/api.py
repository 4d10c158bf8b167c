"""The kernel as Snow Fox sees it: one small interface per group.

Every call raises `PosixError(call, object, errno)` when the kernel refuses, unless its docstring says otherwise. Every
descriptor made here is close-on-exec. Nothing blocks except `Poller.wait`, `Files.lock(wait=True)` and calls on files
of a disk. `PosixError.call` is the words of a person ("bind", "change to folder"), `object` what it was done to: a
path, an address, `descriptor 7`, `process 7`.

Implementations of equal rank: `linux`, `testing.kernel` (the fake); wrappers: `restricted`, `observed`. One contract
suite (`tests/contract`) proves them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Final, NoReturn

from snowfox.core.posix.value import Credentials, Identity, Ids, Received, Spawn, Stat, User
from snowfox.values import Exit

__all__ = [
    "GROUPS",
    "Credentials",
    "Descriptors",
    "Files",
    "Folders",
    "Identity",
    "Ids",
    "Limits",
    "Own",
    "Poller",
    "Posix",
    "Processes",
    "Received",
    "Signals",
    "Sockets",
    "Spawn",
    "Stat",
    "Steps",
    "User",
    "Users",
]


class Descriptors(ABC):
    """What can be done with any open descriptor."""

    @abstractmethod
    def close(self, descriptor: int) -> None:
        """Close it. Closing one that is not open is an error (EBADF)."""

    @abstractmethod
    def read(self, descriptor: int, size: int) -> bytes | None:
        """Up to `size` bytes; b"" at the end; None when there is nothing now (EAGAIN)."""

    @abstractmethod
    def read_at(self, descriptor: int, size: int, *, offset: int) -> bytes:
        """Up to `size` bytes of a file from `offset`, whose own position stays; b"" at the end."""

    @abstractmethod
    def write(self, descriptor: int, data: bytes | memoryview) -> int | None:
        """How many bytes went; None when none can now (EAGAIN). EPIPE, not SIGPIPE, without a reader."""

    @abstractmethod
    def sync(self, descriptor: int) -> None:
        """Return when its content is on the disk (fsync)."""

    @abstractmethod
    def truncate(self, descriptor: int, size: int) -> None:
        """Cut or extend to `size` bytes."""

    @abstractmethod
    def lock(self, descriptor: int, *, wait: bool) -> bool:
        """Take the exclusive flock(2); False when another has it and `wait` is false.

        It belongs to the open file description: every duplicate, here or in a child, keeps it; the last close frees it.
        """

    @abstractmethod
    def duplicate(self, descriptor: int, *, least: int = 0) -> int:
        """A second descriptor, not below `least`."""

    @abstractmethod
    def duplicate_to(self, descriptor: int, number: int, *, inherited: bool) -> None:
        """Make `number` a second descriptor of the same, closing what it was. `inherited`: exec keeps it open.

        With `number` equal to `descriptor` only `inherited` is set.
        """

    @abstractmethod
    def set_blocking(self, descriptor: int, *, blocking: bool) -> None:
        """Whether its calls wait (O_NONBLOCK); shared by all duplicates."""

    @abstractmethod
    def pipe(self) -> tuple[int, int]:
        """A pipe's (read end, write end), both non-blocking."""

    @abstractmethod
    def enlarge(self, pipe: int, size: int) -> None:
        """Let a pipe or FIFO hold so many bytes (F_SETPIPE_SZ). EPERM: more than its user may have."""


class Files(Descriptors):
    """Open files by path or below an open folder."""

    @abstractmethod
    def open(self, path: str, flags: int, *, mode: int = 0o600, folder: int | None = None) -> int:
        """Open `path`, relative to `folder` where given (then without following a link at its end: O_NOFOLLOW).

        `mode` is that of a file made here, less the umask.
        """

    @abstractmethod
    def sealed(self, name: str, content: bytes) -> int:
        """A file in memory with this content, which nobody can change any more (memfd_create(2)), mode 0400; read from its start."""

    @abstractmethod
    def stat(self, path: str | int, *, folder: int | None = None, follow: bool = False) -> Stat:
        """Of a path or an open descriptor."""

    @abstractmethod
    def link_target(self, path: str, *, folder: int | None = None) -> str:
        """What a symbolic link holds. EINVAL when it is none."""


class Folders(ABC):
    """Change what is in a folder. Paths are relative to `folder` where it is given."""

    @abstractmethod
    def names(self, folder: int | str, *, most: int | None = None) -> list[str]:
        """What is in it, unsorted, without `.` and `..`; no more than `most` of them are looked for."""

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
    def link(self, old: str, new: str, *, folder: int, into: int) -> None:
        """A second name for a file of `folder`, in `into`; never replaces (EEXIST) nor follows a link."""

    @abstractmethod
    def rename(self, old: str, new: str, *, folder: int | None = None) -> None:
        """Within one folder; replaces `new`."""


class Processes(ABC):
    """Make, know, signal and reap processes.

    A pid is a name that is given again after reaping; a pidfd is one process for ever. It becomes readable when the
    process ended.
    """

    @abstractmethod
    def spawn(self, order: Spawn) -> int:
        """Start a program (posix_spawn: no copy of this process); its pid.

        A program that cannot be executed raises here. What it does not inherit closes at its exec, which may be an
        instant after this returns.
        """

    @abstractmethod
    def fork(self) -> int:
        """Copy this process (fork(2)); 0 in the child, whose signals are at their defaults, unblocked, and not those that we watch."""

    @abstractmethod
    def open(self, pid: int) -> int:
        """A pidfd. ESRCH when there is no such process."""

    @abstractmethod
    def exit_of(self, pid: int, *, reap: bool) -> Exit | None:
        """How our child ended; None while it runs. With `reap` false it stays a zombie. ECHILD: not our child."""

    @abstractmethod
    def reap(self, pid: int) -> None:
        """Let go of a child that ended and whose exit is known. ECHILD: not our child; EAGAIN: it still runs."""

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
    def all(self) -> list[int]:
        """The pids of all processes that /proc shows, unsorted."""

    @abstractmethod
    def take_descriptor(self, pidfd: int, number: int) -> int:
        """A duplicate of another process's descriptor (pidfd_getfd). EPERM: we may not trace it, by Yama's scope for one."""


class Steps(ABC):
    """The steps between fork and exec, each without a way back. Others: `Limits.set`, `Descriptors.duplicate_to`."""

    @abstractmethod
    def new_session(self) -> None:
        """Lead a session and a process group of its own (setsid). EPERM when we lead a group."""

    @abstractmethod
    def umask(self, mask: int) -> int:
        """Set the bits that new files lack; what they were."""

    @abstractmethod
    def become(self, ids: Ids) -> None:
        """Give up the user for good: groups, gid, uid, real and saved too; checks that no way back is left.

        EPERM when we may not, or when a way back was left: then end the process. Own ids are allowed to anybody.
        """

    @abstractmethod
    def change_folder(self, path: str | int) -> None:
        """Work in this folder (a path or an open one)."""

    @abstractmethod
    def set_no_new_privileges(self) -> None:
        """Nothing that we execute gains rights."""

    @abstractmethod
    def set_nice(self, nice: int) -> None:
        """Our priority, -20 to 19, the higher the later our turn. EACCES: it was lower, and we may not."""

    @abstractmethod
    def close_range(self, first: int) -> None:
        """Close every descriptor from `first` on."""

    @abstractmethod
    def execute(self, program: str, arguments: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
        """Become this program (an absolute path); returns only by raising."""
        raise NotImplementedError

    @abstractmethod
    def leave(self, code: int) -> NoReturn:
        """End this process now, without cleaning up (_exit)."""
        raise NotImplementedError


class Own(Steps):
    """What this process is and becomes."""

    @abstractmethod
    def pid(self) -> int:
        """Our pid."""

    @abstractmethod
    def parent(self) -> int:
        """Our parent's pid; 0 when it is outside our pid namespace."""

    @abstractmethod
    def ids(self) -> Ids:
        """Our effective user, group, and groups in increasing order."""

    @abstractmethod
    def set_subreaper(self) -> None:
        """Orphans below us become our children."""

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
    """Sockets, by addresses as `core.posix.address` reads them.

    `unix:PATH`, `unix:@ABSTRACT`, `unix-datagram:PATH-OR-@ABSTRACT`, `HOST:PORT`, `[HOST]:PORT`, `udp:HOST:PORT`; a
    HOST is numeric, `localhost` (127.0.0.1) or `*` (0.0.0.0).
    """

    @abstractmethod
    def pair(self) -> tuple[int, int]:
        """Two joined non-blocking unix stream sockets, each of which receives the sender's credentials."""

    @abstractmethod
    def bind(
        self, address: str, *, mode: int | None = None, folder: int | None = None, reserved: bool = False
    ) -> int:
        """A new non-blocking socket bound to the address; SO_REUSEADDR for TCP, IPV6_V6ONLY for IPv6.

        `reserved`: SO_REUSEADDR only until it is bound, so that nobody else can bind it, be it only to listen first.

        A unix path may be relative to `folder`, of any length (by /proc/self/fd). `udp:` and `unix-datagram:`
        make datagram sockets, the latter receives credentials. Names the address in its error. `mode`: permission
        bits of the path, exact, never wider in between. A path that exists is EADDRINUSE: remove it first.
        """

    @abstractmethod
    def listen(self, descriptor: int, backlog: int) -> None:
        """Begin to accept, with SO_REUSEADDR; where it accepts already, only the length of its queue changes."""

    @abstractmethod
    def accept(self, descriptor: int) -> int | None:
        """A non-blocking connection; None when there is none now."""

    @abstractmethod
    def connect(self, address: str, *, folder: int | None = None) -> int:
        """A connected non-blocking socket; local addresses only, which connect at once or fail.

        ECONNREFUSED: nobody listens; EAGAIN: the queue of a unix socket is full.
        """

    @abstractmethod
    def send(
        self, descriptor: int, data: bytes | memoryview, descriptors: tuple[int, ...] = ()
    ) -> int | None:
        """How many bytes went, the descriptors with the first of them (SCM_RIGHTS, at most 253); None: none now."""

    @abstractmethod
    def receive(self, descriptor: int, size: int, *, most: int = 0) -> Received | None:
        """A chunk with up to `most` descriptors (close-on-exec); None when there is nothing now.

        `truncated`: descriptors, or the rest of a datagram, were lost. The caller owns what it got.
        """

    @abstractmethod
    def peer(self, descriptor: int) -> Credentials:
        """Who is at the other end (SO_PEERCRED)."""

    @abstractmethod
    def address(self, descriptor: int) -> str:
        """The local address, as `bind` takes it."""

    @abstractmethod
    def is_listening(self, descriptor: int) -> bool:
        """Whether it is a socket that accepts. False for anything else."""

    @abstractmethod
    def notice(self, descriptor: int, number: int, *, process: int) -> None:
        """Send a process signal `number` whenever something comes for it, also when others take it; 0: no more.

        A mark of the open file description (F_SETSIG and O_ASYNC of fcntl(2)), which whoever shares it may remove, or
        change: to any signal, SIGKILL too, which the process gets as from us. EINVAL, ESRCH: no such signal, process.
        """


class Users(ABC):
    """The user database. LookupError is not used: an unknown name is None."""

    @abstractmethod
    def by_name(self, name: str) -> User | None:
        """The user with this name."""

    @abstractmethod
    def by_uid(self, uid: int) -> User | None:
        """The user with this number."""

    @abstractmethod
    def taken(self, uids: Collection[int]) -> frozenset[int]:
        """Which of these numbers some user has."""

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
        """Catch these too from now on; a descriptor (non-blocking) to wait on.

        One per process: a second `watch` takes over, and the first descriptor reads its end. EINVAL: KILL, STOP.
        """

    @abstractmethod
    def take(self, descriptor: int) -> tuple[int, ...]:
        """The numbers that came since, in order; a burst of one number may count once."""

    @abstractmethod
    def reset(self) -> None:
        """All signals to their default, none blocked, nothing watched; `watch`'s descriptor stays the caller's."""


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

    @property
    @abstractmethod
    def descriptor(self) -> int:
        """Its own descriptor, readable while `wait(0)` would answer something: a poller within another loop."""

    @abstractmethod
    def add(self, descriptor: int, *, write: bool = False, once: bool = False) -> None:
        """Wait for it to become readable, and writable where asked.

        `once`: one answer goes to one of the threads that wait, then none until `again`.
        """

    @abstractmethod
    def again(self, descriptor: int) -> None:
        """Wait once more for one that was added with `once`; it answers at once when it is readable still."""

    @abstractmethod
    def change(self, descriptor: int, *, write: bool) -> None:
        """Ask, or no longer ask, for writable."""

    @abstractmethod
    def discard(self, descriptor: int) -> None:
        """Forget it. Before it is closed."""

    @abstractmethod
    def wait(self, timeout: float | None, *, most: int = -1) -> list[tuple[int, bool, bool]]:
        """[(descriptor, readable or ended, writable)]; [] when `timeout` seconds are over. None: no end.

        Several threads may wait in one poller. `most`: how many answers are wanted; -1: any number.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of it; the descriptors stay open."""


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
        """A new poller. In lists of calls it is `poller`."""


GROUPS: Final[dict[str, type[ABC]]] = {
    "files": Files,
    "folders": Folders,
    "processes": Processes,
    "own": Own,
    "sockets": Sockets,
    "users": Users,
    "signals": Signals,
    "limits": Limits,
}
"""Each group of `Posix` by its attribute."""
