"""The fake kernel itself: time, processes and their ends, signals, addresses, users, and failures on demand."""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from contextlib import contextmanager
from signal import SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, User
from snowfox.core.posix.refusal import refused
from snowfox.testing.clock import VirtualClock
from snowfox.testing.kernel.addresses import Addresses
from snowfox.testing.kernel.agenda import Agenda
from snowfox.testing.kernel.disk import Disk, FolderNode, RegularFile, fault
from snowfox.testing.kernel.opened import Null
from snowfox.testing.kernel.process import FakeProcess, Slot
from snowfox.values import Exit

TICK: Final = 10_000_000
_IGNORED: Final = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}
_STOPPING: Final = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}
_ROOT: Final = Ids(0, 0, (0,))

Run = Callable[[FakeProcess], object]


class _Failure(NamedTuple):
    """One `fail`: whom it hits, and for how often still (-1: always)."""

    call: str
    number: int
    where: dict[str, object]
    times: list[int]


class _Program(NamedTuple):
    """What runs when a file is executed."""

    run: Run | None
    handles: frozenset[int]


class FakeKernel:
    """One host in memory. `FakePosix(kernel)` makes a process on it.

    Process 1 is an init that reaps orphans by itself, until `FakePosix(kernel, pid=1)` becomes it.

    Args:
        clock: whose time passes when a process waits.
        tells_exits: whether a pidfd tells the exit of a process that was reaped (Linux 6.15).
    """

    def __init__(self, clock: VirtualClock | None = None, *, tells_exits: bool = True) -> None:
        self.clock = clock or VirtualClock()
        self.tells_exits = tells_exits
        self.boot_id = "00000000-0000-4000-8000-000000000001"
        self.pid_namespace = 4_026_531_836
        self.agenda = Agenda(self.clock)
        self.disk = Disk()
        self.processes: dict[int, FakeProcess] = {}
        self.addresses = Addresses()
        self.users: dict[str, User] = {}
        self.memberships: dict[str, set[int]] = {}
        self.groups: dict[str, int] = {}
        self._gone: dict[int, FakeProcess] = {}
        self._programs: dict[str, _Program] = {}
        self._failures: list[_Failure] = []
        self._last_pid = 0
        self.add_user("root", 0, home="/root")
        init = self.begin(parent=0, ids=_ROOT)
        init.reaps_alone = True
        init.program = "/sbin/init"

    # Set up by tests.

    def add_user(self, name: str, uid: int, *, groups: tuple[str, ...] = (), home: str = "/") -> User:
        """A user with a group of its own name and number, a member of further groups, which are made."""
        self.groups[name] = uid
        for group in groups:
            self.groups.setdefault(group, 10_000 + len(self.groups))
        self.memberships[name] = {uid, *(self.groups[group] for group in groups)}
        self.users[name] = User(name, uid, uid, home, "/bin/sh")
        return self.users[name]

    def install(
        self, path: str, run: Run | None = None, *, handles: tuple[int, ...] = (), mode: int = 0o755
    ) -> None:
        """A program; the folders of its path are made.

        Args:
            path: absolute.
            run: called with the new process right when it executes it; may write, end it, set what it `handles`.
            handles: signals that it deals with itself; others have their default action.
            mode: permission bits.
        """
        self.write(path, b"\x7fELF", mode=mode)
        self._programs[path] = _Program(run, frozenset(handles))

    def folder(self, path: str, *, ids: Ids = _ROOT, mode: int = 0o755) -> FolderNode:
        """Make a folder, its parents too (0755, root); one that is there stays as it is."""
        folder = self.disk.root
        names = [name for name in path.split("/") if name]
        for index, name in enumerate(names):
            last = index == len(names) - 1
            made = FolderNode(
                mode if last else 0o755, ids if last else _ROOT, self.disk.number(), parent=folder
            )
            node = folder.entries.setdefault(name, made)
            if not isinstance(node, FolderNode):
                raise fault(errno.ENOTDIR)
            folder = node
        return folder

    def write(self, path: str, data: bytes, *, ids: Ids = _ROOT, mode: int = 0o644) -> None:
        """Put a file there, replacing what was; its folders are made."""
        parent, _, name = path.rpartition("/")
        file = RegularFile(mode, ids, self.disk.number())
        file.data.extend(data)
        self.folder(parent).entries[name] = file

    def fail(self, call: str, number: int, *, times: int = -1, **where: object) -> None:
        """Let a call fail with an errno from now on.

        Args:
            call: its name (`sockets.bind`, `bind`) or its words ("change to folder").
            number: the errno.
            times: how often; -1: until `heal`.
            where: only where these details of the call have these values: port, address, path, pid, descriptor,
                process (the caller's pid).
        """
        self._failures.append(_Failure(call, number, where, [times]))

    def heal(self) -> None:
        """No call fails on demand any more."""
        self._failures.clear()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen at a later time; it happens while a process waits, or by `pass_time`."""
        self.agenda.add(seconds, action)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock through what is to happen within that time."""
        self.agenda.pass_time(seconds)

    # Processes.

    def process(self, pid: int) -> FakeProcess:
        """The process that has, or last had, this pid. Raises KeyError."""
        return self.processes[pid] if pid in self.processes else self._gone[pid]

    def begin(self, *, parent: int, ids: Ids) -> FakeProcess:
        """A new process without descriptors; the parent's session and group, folder `/`."""
        self._last_pid += 1
        pid = self._last_pid
        above = self.processes.get(parent)
        started = self.clock.boot() // TICK * TICK
        process = FakeProcess(
            pid,
            parent,
            above.session if above else pid,
            above.group if above else pid,
            ids,
            self.disk.root,
            started,
            saved_uid=ids.uid,
        )
        process.limits["NOFILE"] = (1024, 4096)
        self.processes[pid] = process
        return process

    def copy(self, process: FakeProcess) -> FakeProcess:
        """What fork makes."""
        child = self.begin(parent=process.pid, ids=process.ids)
        child.saved_uid = process.saved_uid
        child.folder = process.folder
        child.umask = process.umask
        child.limits = dict(process.limits)
        child.program, child.arguments = process.program, process.arguments
        child.environment = process.environment
        child.no_new_privileges = process.no_new_privileges
        for number, slot in process.descriptors.items():
            slot.opened.hold()
            child.descriptors[number] = Slot(slot.opened, slot.inherited)
        return child

    def execute(
        self, process: FakeProcess, program: str, arguments: tuple[str, ...], environment: dict[str, str]
    ) -> None:
        """Become a program. Raises OSError ENOENT, EACCES and those of the path."""
        node = self.disk.existing(program, process.folder, process.ids, follow=True)
        if not isinstance(node, RegularFile) or not node.allows(process.ids, 1):
            raise fault(errno.EACCES)
        if program not in self._programs:
            raise fault(errno.ENOEXEC)
        for number in [number for number, slot in process.descriptors.items() if not slot.inherited]:
            process.remove(number)
        process.program, process.arguments, process.environment = program, arguments, dict(environment)
        process.watched = None
        process.is_dumpable = True
        behaviour = self._programs[program]
        process.handles = behaviour.handles
        if behaviour.run is not None:
            behaviour.run(process)

    def end(self, pid: int, how: Exit) -> None:
        """Let a process end: its descriptors close, its children get another parent, its own parent hears of it.

        Raises KeyError when there is none; one that ended already stays as it is.
        """
        process = self.processes[pid]
        if process.exit is not None:
            return
        process.exit = how
        process.close_all()
        heir = self._heir(process)
        for child in [child for child in self.processes.values() if child.parent == pid]:
            child.parent = heir
            if child.exit is not None:
                self._told(child)
        self._told(process)

    def reap(self, process: FakeProcess) -> None:
        """Its pid is free."""
        process.is_reaped = True
        self._gone[process.pid] = self.processes.pop(process.pid)

    def signal(self, process: FakeProcess, number: int) -> None:
        """Deliver a signal; 0 only asks."""
        if number == 0 or process.exit is not None:
            return
        process.note(number)
        if number == SIGKILL:
            self.end(process.pid, Exit(signal=number))
        elif number in _STOPPING and number not in process.handles:
            process.is_stopped = True
        elif number in process.handles and process.watched is not None:
            process.watched.write(bytes([number]))
        elif number == SIGCONT:
            process.is_stopped = False
        elif number not in process.handles and number not in _IGNORED:
            self.end(process.pid, Exit(signal=number))

    def _told(self, process: FakeProcess) -> None:
        parent = self.processes.get(process.parent)
        if parent is None or parent.reaps_alone:
            self.reap(process)
        elif SIGCHLD in parent.handles:
            self.signal(parent, SIGCHLD)

    def _heir(self, process: FakeProcess) -> int:
        above = self.processes.get(process.parent)
        while above is not None:
            if above.is_subreaper and above.exit is None:
                return above.pid
            above = self.processes.get(above.parent)
        return 1 if process.pid != 1 else 0

    # What every call goes through.

    @contextmanager
    def doing(
        self, process: FakeProcess, call: str, words: str, what: str | int, **details: object
    ) -> Generator[None]:
        """Refuse where a test wants it; translate as Linux's groups do. A dead process does nothing more."""
        if process.exit is not None:
            msg = f"process {process.pid} ended ({process.exit}) and calls {call}"
            raise AssertionError(msg)
        try:
            self._check(call, words, {"process": process.pid, **details})
            yield
        except OSError as error:
            raise refused(words, what, error) from error

    def _check(self, call: str, words: str, details: dict[str, object]) -> None:
        for failure in self._failures:
            if failure.call not in {call, call.partition(".")[2], words} or not failure.times[0]:
                continue
            if all(details.get(name) == value for name, value in failure.where.items()):
                failure.times[0] -= 1
                raise fault(failure.number)

    def standard(self, process: FakeProcess) -> None:
        """Give it 0, 1 and 2 on /dev/null."""
        null = Null()
        for number in range(3):
            process.put(number, null, inherited=True)
