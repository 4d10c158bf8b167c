"""What the kernel is told and tells: the values of `core.posix.api`."""

from __future__ import annotations

from snowfox.core.named import NamedTuple


class Stat(NamedTuple):
    """What `stat` tells of a file: mode with its type bits, owner, size in bytes, identity, times in ns.

    `modified` is that of the content, `changed` that of anything about it, which nobody can set (inode(7)).
    """

    mode: int
    uid: int
    gid: int
    size: int
    inode: int
    device: int
    modified: int
    links: int
    changed: int = 0


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

    `started` is ns of the boot-time clock (a multiple of a tick, 10 ms); `state` is the letter of proc(5);
    `uid` the effective one.
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
        descriptors: pairs (ours, theirs), in any order and overlap; all else is closed by close-on-exec.
        session: start it in a session of its own.

    It starts with no signal blocked and every signal at its default.
    """

    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[tuple[int, int], ...]
    session: bool
