"""What our three processes promise one another, besides launching (`contract.spawner`) and users (`contract.manager`).

The daemon joins them: it makes a socket pair for each two, so that each session has exactly one known peer.
"""

# Declarations have no bodies.
# pyright: reportReturnType=false

from __future__ import annotations

from snowfox.core.named import NamedTuple
from snowfox.core.rpc.interface import Descriptor, Interface, call
from snowfox.values import Exit


class Source(NamedTuple):
    """A file of the configuration: an open descriptor, its owner's uid and name (for a service's default user)."""

    name: str
    file: Descriptor
    owner: int


class Seen(NamedTuple):
    """A file of the configuration's tree, by name, and what changes when it does (`core.tree.Stamp`)."""

    name: str
    device: int
    inode: int
    size: int
    modified: int
    changed: int


class Kept(NamedTuple):
    """A listening socket that the daemon keeps for a spawner to come. `key` is the spawner's."""

    key: str
    socket: Descriptor


class Welcome(NamedTuple):
    """All that a manager needs to begin.

    Args:
        root: the folder of the configuration, absolute.
        home: the node's own folder (`.snowfox`), absolute; for messages only.
        store: absolute path of the store's folder, which the manager's user can reach and write.
        listener: the listening unix socket for commands.
        notify: the datagram socket that services write their readiness to (receives credentials).
        notify_address: its name, as services get it in NOTIFY_SOCKET.
        logs: the folder for output, owned by the manager's user.
        spawner: the session with the spawner.
        uid: the uid to become; -1: stay.
        gid: the gid to become; -1: stay.
        starter: the uid that started the node, which may use it, as may root.
        path: PATH for services of an ordinary user's node; "" for the fixed one.
        version: the daemon's start, an id; a new manager of the same daemon sees the same.
        configuration: the main file that `up` was told to read, relative to root, or `git:REF`.
        shown: what stands before the names of its files in messages: "" or a folder with its slash.
        owner: uid of root's owner.
    """

    root: str
    home: str
    store: str
    listener: Descriptor
    notify: Descriptor
    notify_address: str
    logs: Descriptor
    spawner: Descriptor
    uid: int
    gid: int
    starter: int
    path: str
    version: str
    configuration: str
    shown: str = ""
    owner: int = -1


class Daemon(Interface):
    """Served by the daemon to spawner and manager."""

    @call()
    def keep(self, kept: Kept) -> None:
        """Spawner only: hold a duplicate of a listening socket. The same key replaces."""

    @call()
    def release(self, key: str) -> None:
        """Spawner only: close the duplicate. An unknown key is fine."""

    @call()
    def followed(self, token: str) -> None:
        """Spawner only: another process is the main process of this launch, as its record tells: watch for its end, too."""

    @call()
    def open_source(self, name: str) -> Source | None:
        """Manager only: the main file, `.env` or an environment file of the configuration's folder; None when absent.

        Raises NotPermitted for any other name, ConfigurationRefused when it is a link, or no regular file.
        """

    @call(repeatable=True)
    def open_tree(self, after: str) -> list[Source]:
        """Manager only: `node.toml` and `services/**/*.toml` in order, after this name ("" begins), at most 100.

        Raises ConfigurationRefused that names a link, a FIFO, or what else does not belong there.
        """

    @call(repeatable=True)
    def look_tree(self, after: str) -> list[Seen]:
        """Manager only: the same files, not opened, at most 500. Raises as `open_tree`."""

    @call(repeatable=True)
    def environment(self, names: list[str]) -> dict[str, str]:
        """Manager only: of these variables, at most 100, those that the shell had which started the node.

        One that is longer than `start.LONGEST_SHARED`, or no text, is not there.
        """

    @call()
    def rejoin(self) -> None:
        """Manager only: its session with the spawner is over. Another comes, where a spawner lives or once one does."""

    @call()
    def stop(self, code: int, reason: str, leave: bool = False) -> None:  # noqa: FBT002 - the wire knows no names
        """Manager only: stop the node in order and end with this exit code. Answered before it begins.

        With `leave` the services run on, for the next daemon. Raises HostError where they cannot.
        """


class SpawnerControl(Interface):
    """Served by the spawner to the daemon."""

    @call()
    def attach(self, manager: Descriptor) -> None:
        """A session with a (new) manager; the one before is closed."""

    @call()
    def restore(self, kept: list[Kept]) -> None:
        """Listening sockets that the daemon kept for it."""

    @call()
    def held(self) -> list[Kept]:
        """All listening sockets, for a new daemon."""

    @call()
    def orphan(self, token: str, exit: Exit) -> None:
        """The daemon reaped a process that this spawner adopted; its record has the exit already."""

    @call(deadline="30s")
    def stop(self) -> None:
        """Kill what still runs, wait until it is gone, remove records, FIFOs and sockets; then the spawner ends."""

    @call()
    def leave(self) -> None:
        """End at once and leave the services running with their records and FIFOs."""


class ManagerControl(Interface):
    """Served by the manager to the daemon."""

    @call(deadline="30s")
    def welcome(self, welcome: Welcome) -> None:
        """Begin. Answered when the manager gave up its uid and listens to commands."""

    @call()
    def attach(self, spawner: Descriptor) -> None:
        """Another session with a spawner, a new one or the same: the session before is over."""

    @call(deadline="10m")
    def stop(self) -> None:
        """Stop all services in reverse order of dependency; answered when all are stopped and stored."""

    @call()
    def kill(self) -> None:
        """Kill at once what a `stop` under way has not stopped yet; answered before it has ended."""

    @call(deadline="10s")
    def leave(self) -> None:
        """The node ends and its services run on: answered when all that is known is stored."""
