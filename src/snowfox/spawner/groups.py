"""Control groups: one for each launch in each hierarchy that it needs, below the node's own (cgroups(7)).

Version 2 holds the launch together: a process is made in its group and cannot leave it, `cgroup.kill` ends them all at
once, and a group that can be removed shows that nothing is left. Its controllers bound what they bound where the host
has them there. What it lacks comes from version 1, whose hierarchies have one controller each; a process joins one of
those only where a limit asks for it, since that takes ten times as long as to be made in one of version 2.

Names are tokens of launches. A record tells the folders of its launch, so that one of an earlier place is found, too.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from posixpath import basename, dirname, join
from typing import Final

from snowfox.contract.record import is_token
from snowfox.contract.spawner import Confinement
from snowfox.core import log
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.spawner.control_files import ControlFiles
from snowfox.spawner.hierarchy import CPU, IO, MEMORY, PROCESSES, Hierarchies, Hierarchy
from snowfox.values import HOST_MEMORY_REACHED, MEMORY_REACHED, PROCESSES_REACHED

STEP: Final = "make control group"
"""The step of a launch, the launcher's too."""

_PERIOD: Final = 100_000
_NO_DISKS: Final = ("loop", "ram", "zram")
_ROUNDS: Final = 5
_KILL: Final = int(signal.SIGKILL)

_log = log.get("spawner")


class Made(NamedTuple):
    """Groups of a launch, as an order has them.

    Args:
        descriptors: of their folders, or of that in which the first is to be made.
        ours: those of them that the caller closes.
        is_unified: whether the first is of version 2.
        name: of the first, where it is to be made.
    """

    descriptors: tuple[int, ...] = ()
    ours: tuple[int, ...] = ()
    is_unified: bool = False
    name: str = ""


class Groups:
    """The control groups of this node's launches.

    Args:
        posix: the kernel.
        hierarchies: where they are.
    """

    def __init__(self, posix: Posix, hierarchies: Hierarchies) -> None:
        self._posix = posix
        self._files = ControlFiles(posix)
        self._hierarchies = hierarchies
        self._left: list[tuple[str, ...]] = []
        self._place: str | None = None
        self._opened = -1

    def lacks(self, controller: str) -> str:
        """See `Hierarchies.lacks`."""
        return self._hierarchies.lacks(controller)

    def folders(self, token: str, asked: Confinement | None) -> tuple[str, ...]:
        """The folders that a launch will have, the first that which holds it together."""
        if asked is None:
            place = self._unified_place()
            return (f"{place}/{token}",) if place else ()
        return tuple(join(self._hierarchies.base(one), token) for one in self._wanted(asked))

    def make(self, folders: tuple[str, ...], asked: Confinement | None) -> Made:
        """Make the groups of a launch. Raises PosixError; then none of them is there.

        One without limits is left to whoever makes the process: it costs a tenth there.
        """
        if asked is None:
            return Made((self._opened,), (), True, basename(folders[0])) if folders else Made()  # noqa: FBT003 - a field
        wanted = self._wanted(asked)
        opened: list[int] = []
        try:
            for folder, hierarchy in zip(folders, wanted, strict=True):
                self._make(folder)
                self._bound(folder, hierarchy, asked)
                opened.append(self._posix.files.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        except PosixError as error:
            for descriptor in opened:
                self._posix.files.close(descriptor)
            self.drop(folders)
            self.lose()
            raise PosixError(STEP, error.object, error.errno) from error
        return Made(tuple(opened), tuple(opened), bool(wanted) and wanted[0].is_unified)

    def kill(self, folders: tuple[str, ...]) -> None:
        """SIGKILL to all that are in the groups. What cannot be done is logged."""
        for folder in folders[:1]:
            try:
                self._kill(folder)
            except PosixError as error:
                _log.error("cannot kill a control group", group=folder, error=str(error))

    def members(self, folders: tuple[str, ...]) -> list[int]:
        """Processes that are in the first of the groups; [] when it is gone."""
        return self._files.numbers(join(folders[0], "cgroup.procs")) if folders else []

    def holds(self, folders: tuple[str, ...], pid: int) -> bool:
        """Whether a process is in the first of the groups, or in one that the service made below it."""
        return bool(folders) and (
            pid in self.members(folders)
            or any(self.holds((below,), pid) for below in self._below(folders[0]))
        )

    def remove(self, folders: tuple[str, ...]) -> bool:
        """Remove the groups; False while a process is in one of them."""
        left = [folder for folder in folders if not self._remove(folder)]
        for place in {dirname(folder) for folder in folders if folder not in left}:
            if not self._hierarchies.knows(place):  # of the node when it was started elsewhere
                with suppress(PosixError):
                    self._posix.folders.remove(place, is_folder=True)
        return not left

    def drop(self, folders: tuple[str, ...]) -> None:
        """Whatever is in them goes, and they go, now or with a later `sweep`."""
        if folders and not self.remove(folders):
            self.kill(folders)
            self._left.append(folders)

    @property
    def wants_sweep(self) -> bool:
        """Whether there are groups to be removed."""
        return bool(self._left)

    def sweep(self) -> None:
        """Remove those that could not be removed at once."""
        left, self._left = self._left, []
        for folders in left:
            self.drop(folders)

    def begin(self, known: set[str]) -> None:
        """Drop what is there of launches that nobody knows of: groups whose spawner ended before their record was written."""
        for hierarchy in self._hierarchies.all:
            base = self._hierarchies.base(hierarchy)
            for name in self._files.names(base):
                if is_token(name) and name not in known:
                    self.drop((join(base, name),))

    def end(self) -> None:
        """Remove the node's own folders; one that holds something stays."""
        self.sweep()
        for base in self._hierarchies.leave():
            self._remove(base)
        self.lose()

    def lose(self) -> None:
        """Somebody removed the node's folders: they are made again for the next launch."""
        self._hierarchies.leave()
        self._place = None
        if self._opened >= 0:
            self._posix.files.close(self._opened)
            self._opened = -1

    def reached(self, folders: tuple[str, ...]) -> str:
        """The limit that was reached in the groups: where the kernel killed for memory that, else PROCESSES_REACHED or ""."""
        found = ""
        for folder in folders:
            controllers = self._hierarchies.served(dirname(folder))
            if MEMORY in controllers and self._killed(folder):
                is_own = self._files.content(join(folder, "memory.max")).strip() != "max"
                return MEMORY_REACHED if is_own else HOST_MEMORY_REACHED
            if PROCESSES in controllers and _field(self._files.content(join(folder, "pids.events")), "max"):
                found = PROCESSES_REACHED
        return found

    def _unified_place(self) -> str:
        """Where groups of version 2 are made, found out and opened once; "" where there is none."""
        if self._place is None:
            unified = self._hierarchies.unified()
            self._place = ""
            if unified is not None:
                place = self._hierarchies.base(unified)
                self._opened = self._posix.files.open(place, os.O_RDONLY | os.O_DIRECTORY)
                self._place = place
        return self._place

    def _wanted(self, asked: Confinement) -> list[Hierarchy]:
        unified = self._hierarchies.unified()
        wanted = [] if unified is None else [unified]
        amounts = ((MEMORY, asked.memory), (CPU, asked.cpu), (PROCESSES, asked.processes), (IO, asked.io))
        for controller, amount in amounts:
            one = self._hierarchies.serving(controller) if amount else None
            if one is not None and one not in wanted:
                wanted.append(one)
        return wanted

    def _make(self, folder: str) -> None:
        try:
            self._posix.folders.make(folder, 0o755)
        except PosixError as error:
            if error.errno == errno.EEXIST:
                return
            if error.errno != errno.ENOENT:
                raise
            self._hierarchies.make_folder(dirname(folder))  # somebody tidied up
            self._posix.folders.make(folder, 0o755)

    def _bound(self, folder: str, hierarchy: Hierarchy, asked: Confinement) -> None:
        served = self._hierarchies.served(dirname(folder))
        files = _unified(asked) if hierarchy.is_unified else _old(asked)
        for controller, file, text, is_needed in files:
            if controller not in served or controller not in hierarchy.controllers:
                continue
            try:
                for line in self._of_disks(text) if controller == IO else (text,):
                    self._files.write(join(folder, file), line)
            except PosixError as error:
                if is_needed or error.errno not in {errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL}:
                    raise

    def _of_disks(self, text: str) -> Iterator[str]:
        for name in sorted(self._files.names("/sys/block")):
            if not name.startswith(_NO_DISKS):
                yield f"{self._files.content(f'/sys/block/{name}/dev').strip()} {text}"

    def _kill(self, folder: str) -> None:
        try:
            self._files.write(join(folder, "cgroup.kill"), "1")
        except PosixError as error:
            if error.errno != errno.ENOENT:
                raise
        else:
            return
        for _ in range(_ROUNDS):  # version 1, or a kernel before 5.14
            pids = self._files.numbers(join(folder, "cgroup.procs"))
            for pid in pids:
                self._kill_one(pid)
            if not pids:
                return

    def _kill_one(self, pid: int) -> None:
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError:
            return  # gone meanwhile
        try:
            self._posix.processes.signal(pidfd, _KILL)
        finally:
            self._posix.files.close(pidfd)

    def _remove(self, folder: str) -> bool:
        """A service may have made groups below its own."""
        for is_last in (False, True):
            try:
                self._posix.folders.remove(folder, is_folder=True)
            except PosixError as error:
                if error.errno in {errno.ENOENT, errno.ENODEV}:
                    return True
                if is_last:
                    return False
                below = self._below(folder)
                if not below or not self.remove(below):
                    return False
            else:
                return True
        return False

    def _below(self, folder: str) -> tuple[str, ...]:
        paths = (join(folder, name) for name in self._files.names(folder))
        return tuple(path for path in paths if self._files.is_folder(path))

    def _killed(self, folder: str) -> bool:
        return any(
            _field(self._files.content(join(folder, file)), "oom_kill") > 0
            for file in ("memory.events", "memory.oom_control")
        )


def _unified(asked: Confinement) -> Iterator[tuple[str, str, str, bool]]:
    """Controller, file, text, and whether it must be there (Documentation/admin-guide/cgroup-v2.rst)."""
    if asked.memory:
        yield MEMORY, "memory.max", str(asked.memory), True
        yield MEMORY, "memory.swap.max", "0", False
    if asked.cpu:
        yield CPU, "cpu.max", f"{asked.cpu * _PERIOD // 1000} {_PERIOD}", True
    if asked.processes:
        yield PROCESSES, "pids.max", str(asked.processes), True
    if asked.io:
        yield IO, "io.max", f"rbps={asked.io} wbps={asked.io}", True


def _old(asked: Confinement) -> Iterator[tuple[str, str, str, bool]]:
    """The same of version 1 (Documentation/admin-guide/cgroup-v1)."""
    if asked.memory:
        yield MEMORY, "memory.limit_in_bytes", str(asked.memory), True
        yield MEMORY, "memory.memsw.limit_in_bytes", str(asked.memory), False
    if asked.cpu:
        yield CPU, "cpu.cfs_period_us", str(_PERIOD), True
        yield CPU, "cpu.cfs_quota_us", str(asked.cpu * _PERIOD // 1000), True
    if asked.processes:
        yield PROCESSES, "pids.max", str(asked.processes), True
    if asked.io:
        yield IO, "blkio.throttle.read_bps_device", str(asked.io), True
        yield IO, "blkio.throttle.write_bps_device", str(asked.io), True


def _field(text: str, name: str) -> int:
    """The number of a line `NAME NUMBER`."""
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        if word == name and value.strip().isdigit():
            return int(value)
    return 0
