"""What the spawner holds for each launch: its process, a pidfd, a read end of its output, its record.

Each process is watched by its pidfd, child or adopted: one way to learn of an end. A child that ended stays unreaped
until its launch is forgotten: meanwhile its pid, and with it its process group, can name nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from snowfox.contract.record import Failed
from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Poller, Posix
from snowfox.errors import PosixError
from snowfox.spawner.events import Event
from snowfox.spawner.groups import Groups
from snowfox.spawner.launch import FIRST
from snowfox.spawner.ports import Holder
from snowfox.spawner.record import Records


class Handle:
    """A launch. Descriptors are -1 (or None, for output that is not captured) where there is none.

    Args:
        pid: of the process that was launched.
        pidfd: of its main process, until its exit is known.
        output: read end of its output.
        sockets: keys of the sockets that it got, from descriptor 3 on.
        groups: folders of its control groups.

    `groups` are the folders of its control groups, as long as they may be there; `had_groups` says that there were some.
    `told` is what came through its status pipe, `ended` when its exit was seen, in ns of the boot-time clock; 0 before.
    `main` is the pid of its main process: the one that was launched, until another is followed, of `session`, that was
    there at `followed`, ns of the boot-time clock. `speaks`: whether it may have told that. `note` is the manager's. `errors` is the read end of its second stream, `input` the write end of what it reads.
    """

    __slots__ = (
        "ended",
        "errors",
        "failed",
        "followed",
        "groups",
        "had_groups",
        "input",
        "is_child",
        "looks",
        "main",
        "note",
        "output",
        "pid",
        "pidfd",
        "session",
        "sockets",
        "speaks",
        "started",
        "status",
        "told",
    )

    def __init__(
        self,
        pid: int,
        pidfd: int,
        output: int | None,
        sockets: tuple[str, ...],
        groups: tuple[str, ...] = (),
    ) -> None:
        self.pid = self.main = self.session = pid
        self.pidfd = pidfd
        self.output = output
        self.sockets = sockets
        self.errors: int | None = None
        self.input: int | None = None
        self.groups = groups
        self.had_groups = bool(groups)
        self.status = -1
        self.told = b""
        self.started = 0
        self.followed = 0
        self.ended = 0
        self.is_child = False
        self.speaks = True
        self.failed: Failed | None = None
        self.looks = 0
        self.note = ""

    @property
    def has_moved(self) -> bool:
        """Whether its main process is another than was launched."""
        return self.main != self.pid


class Held:
    """All launches that are held, by token, and which descriptor in the poller is whose."""

    def __init__(self, posix: Posix, poller: Poller, records: Records, groups: Groups) -> None:
        self._posix = posix
        self._groups = groups
        self._poller = poller
        self._records = records
        self._handles: dict[str, Handle] = {}
        self._tokens: dict[int, str] = {}

    def get(self, token: str) -> Handle | None:
        """A launch; None for an unknown token."""
        return self._handles.get(token)

    def is_gone(self, token: str) -> bool:
        """Whether nothing of a launch is left, by its control groups; without them nobody knows."""
        handle = self._handles.get(token)
        return handle is not None and handle.had_groups and not handle.groups

    def put(self, token: str, handle: Handle) -> None:
        """Hold a launch; its end is waited for from now on."""
        self._handles[token] = handle
        if handle.pidfd >= 0:
            self.watch(token, handle.pidfd)

    def watch(self, token: str, descriptor: int) -> None:
        """Wait for a descriptor of a launch."""
        self._poller.add(descriptor)
        self._tokens[descriptor] = token

    def whose(self, descriptor: int) -> str | None:
        """The token of a descriptor that is waited for."""
        return self._tokens.get(descriptor)

    def unwatch(self, descriptor: int) -> None:
        """No longer wait for it."""
        if self._tokens.pop(descriptor, None) is not None:
            self._poller.discard(descriptor)

    def close(self, descriptor: int) -> None:
        """No longer wait for it, and close it."""
        self.unwatch(descriptor)
        self._posix.files.close(descriptor)

    def streams(self, token: str) -> tuple[int | None, int | None]:
        """Duplicates of the read ends of its output and errors, the caller's; None for what is not captured."""
        handle = self._handles.get(token)
        if handle is None:
            return None, None
        output = self._duplicate(handle.output)
        try:
            return output, self._duplicate(handle.errors)
        except PosixError:
            if output is not None:
                self._posix.files.close(output)
            raise

    def take_input(self, token: str) -> int | None:
        """The write end of what it reads, once: it ends when the caller closes it."""
        handle = self._handles.get(token)
        if handle is None:
            return None
        taken, handle.input = handle.input, None
        return taken

    def _duplicate(self, descriptor: int | None) -> int | None:
        return None if descriptor is None else self._posix.files.duplicate(descriptor)

    def holders(self, key: str) -> Iterator[Holder]:
        """Running processes that got a socket."""
        for handle in self._handles.values():
            if handle.pidfd >= 0 and key in handle.sockets:
                yield Holder(handle.pidfd, FIRST + handle.sockets.index(key))

    def forget(self, token: str) -> None:
        """Drop record, FIFO and groups, close our descriptors, reap a child that ended."""
        handle = self._handles.pop(token, None)
        if handle is None:
            return
        for descriptor in (handle.pidfd, handle.status):
            if descriptor >= 0:
                self.close(descriptor)
        for end in (handle.output, handle.errors, handle.input):
            if end is not None:
                self._posix.files.close(end)
        self._groups.drop(handle.groups)
        self._records.remove(token, has_errors=handle.errors is not None)
        if handle.is_child:
            self._posix.processes.exit_of(handle.pid, reap=True)


class Kit(NamedTuple):
    """What those need who do something with launches.

    Args:
        posix: the kernel.
        clock: for times of exits.
        records: the folder of records.
        held: all launches.
        groups: their control groups.
        say: takes events for the core.
    """

    posix: Posix
    clock: Clock
    records: Records
    held: Held
    groups: Groups
    say: Callable[[Event], None]
