"""The hierarchies of control groups that this host has, and where in each of them the node's own groups are.

The groups are made below the group that the spawner itself is in, so that they stay within what others (a service
manager, a container) gave the node, in a folder named after the node: a later spawner finds it again. A controller of
version 2 serves only groups whose parent has no processes of its own; where those are all ours they move into a group
beside the services', else root's node takes a place at the top of the tree, and an ordinary user's goes without.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from posixpath import join, relpath
from typing import Final

from snowfox.core import log
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError, errno_text
from snowfox.spawner.control_files import ControlFiles

MEMORY: Final = "memory"
CPU: Final = "cpu"
PROCESSES: Final = "pids"
IO: Final = "io"
CONTROLLERS: Final = (MEMORY, CPU, PROCESSES, IO)
"""What can be bounded, by version 2's names."""

_OLD: Final = {"memory": MEMORY, "cpu": CPU, "pids": PROCESSES, "blkio": IO}
_log = log.get("spawner")


class Hierarchy(NamedTuple):
    """A tree of control groups.

    Args:
        top: where it is mounted.
        folder: the group that we are in.
        controllers: what it bounds.
        is_unified: whether it is version 2.
    """

    top: str
    folder: str
    controllers: frozenset[str]
    is_unified: bool


class Hierarchies:
    """Those of this host, as far as the node has a place in them.

    Args:
        posix: the kernel.
        name: of the node's folder in each; another node's is another.
        proc: where the kernel tells about us.
    """

    def __init__(self, posix: Posix, name: str, *, proc: str = "/proc/self") -> None:
        self._posix = posix
        self._files = ControlFiles(posix)
        self._name = name
        self._proc = proc
        self._is_root = posix.own.ids().uid == 0
        self._found: tuple[Hierarchy, ...] | None = None
        self._bases: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._serves: dict[str, frozenset[str]] = {}

    def lacks(self, controller: str) -> str:
        """Why no group of ours bounds this, half a sentence; "" where one does."""
        if self.serving(controller) is not None:
            return ""
        whys = [
            self._why[one.top] for one in self.all if controller in one.controllers and one.top in self._why
        ]
        return whys[0] if whys else f"this host has none for {controller}"

    def unified(self) -> Hierarchy | None:
        """That of version 2, where the node has a place in it."""
        return next((one for one in self.all[:1] if one.is_unified and self._is_usable(one)), None)

    def serving(self, controller: str) -> Hierarchy | None:
        """That which bounds this, version 2 if it does."""
        for one in self.all:
            if (
                controller in one.controllers
                and self._is_usable(one)
                and controller in self.served(self.base(one))
            ):
                return one
        return None

    def base(self, one: Hierarchy) -> str:
        """The node's folder in one that it has a place in, or would have it."""
        return self._bases.get(one.top) or join(one.folder, self._name)

    def knows(self, base: str) -> bool:
        """Whether this is, or would be, the node's folder in one of them."""
        return base in self._serves or any(base == self.base(one) for one in self.all)

    def served(self, base: str) -> frozenset[str]:
        """What groups in this folder are bounded in; all of it where that is not known, in an earlier node's."""
        return self._serves.get(base, frozenset(CONTROLLERS))

    def leave(self) -> list[str]:
        """The folders that the node, be it by an earlier spawner, may have made; it has no place any more."""
        self._bases.clear()
        return [join(place, self._name) for one in self.all for place in {one.folder, one.top}]

    @property
    def all(self) -> tuple[Hierarchy, ...]:
        """All that are mounted and show the group that we are in, version 2 first."""
        if self._found is None:
            mounts = list(_mounts(self._files.content(f"{self._proc}/mountinfo")))
            found = list(_hierarchies(self._files.content(f"{self._proc}/cgroup"), mounts))
            self._found = tuple(self._with_controllers(one) for one in sorted(found, key=_order))
        return self._found

    def _with_controllers(self, one: Hierarchy) -> Hierarchy:
        if not one.is_unified:
            return one
        words = self._files.content(join(one.folder, "cgroup.controllers")).split()
        return one._replace(controllers=frozenset(words).intersection(CONTROLLERS))

    def _is_usable(self, one: Hierarchy) -> bool:
        """Whether our folder is there; made at the first time."""
        if one.top in self._bases:
            return True
        if one.top in self._why:
            return False
        try:
            self._settle(one)
        except PosixError as error:
            self._why[one.top] = f"cannot make one in {one.folder}: {errno_text(error.errno)}"
            return False
        return True

    def _settle(self, one: Hierarchy) -> None:
        """Make our folder in a hierarchy, with as many controllers as can be had. Raises PosixError where we cannot."""
        if not self._is_root:  # processes may move only where the common group of old and new is ours as well
            self._posix.files.close(self._posix.files.open(join(one.folder, "cgroup.procs"), os.O_WRONLY))
        place = one.folder
        served = one.controllers
        if one.is_unified and served and not self._enable(place, served):
            top = one.top if self._is_root and self._is_real_top(one.top) else ""
            if top and self._enable(top, served):
                place = top
            else:
                self._why[one.top] = f"{one.folder} has processes that are not this node's"
                served = frozenset[str]()
        base = join(place, self._name)
        self.make_folder(base)
        if one.is_unified and served and not self._enable(base, served):
            served = frozenset[str]()
        self._bases[one.top] = base
        self._serves[base] = served

    def _enable(self, folder: str, controllers: frozenset[str]) -> bool:
        """Let groups below have these controllers; where our own processes are in the way they move aside."""
        words = " ".join(f"+{controller}" for controller in sorted(controllers))
        for is_last in (False, True):
            try:
                self._files.write(join(folder, "cgroup.subtree_control"), words)
            except PosixError as error:
                if is_last or error.errno != errno.EBUSY or not self._step_aside(folder):
                    return False
            else:
                return True
        return False

    def _step_aside(self, folder: str) -> bool:
        """Move all processes of a group into one below it, where they are all the node's own."""
        pids = self._files.numbers(join(folder, "cgroup.procs"))
        ours = {self._posix.own.pid(), self._posix.own.parent()}
        if not all(pid in ours or self._is_child_of(pid, ours) for pid in pids):
            return False
        aside = join(folder, f"{self._name}-node")
        try:
            self.make_folder(aside)
            for pid in pids:
                self._files.write(join(aside, "cgroup.procs"), str(pid))
        except PosixError as error:
            _log.error("cannot step aside for control groups of services", group=folder, error=str(error))
            return False
        return True

    def _is_child_of(self, pid: int, parents: set[int]) -> bool:
        found = self._posix.processes.identity(pid)
        return found is not None and found.parent in parents

    def _is_real_top(self, folder: str) -> bool:
        """Whether nothing is above: the top that a container sees is a group like others."""
        try:
            self._posix.files.stat(join(folder, "cgroup.type"))
        except PosixError as error:
            return error.errno == errno.ENOENT
        return False

    def make_folder(self, folder: str) -> None:
        """Make a group, or find it. Raises PosixError."""
        try:
            self._posix.folders.make(folder, 0o755)
        except PosixError as error:
            if error.errno != errno.EEXIST:
                raise


class _Mount(NamedTuple):
    """A mounted hierarchy: what of it is there, where, and the words of its options."""

    root: str
    point: str
    is_unified: bool
    words: frozenset[str]


def _mounts(text: str) -> Iterator[_Mount]:
    """Of /proc/self/mountinfo (proc(5))."""
    for line in text.splitlines():
        first, _, last = line.partition(" - ")
        fields, kind = first.split(" "), last.split(" ")
        if len(fields) > 4 and len(kind) > 2 and kind[0] in {"cgroup", "cgroup2"}:
            yield _Mount(fields[3], fields[4], kind[0] == "cgroup2", frozenset(kind[2].split(",")))


def _hierarchies(text: str, mounts: list[_Mount]) -> Iterator[Hierarchy]:
    """Of /proc/self/cgroup: NUMBER:CONTROLLERS:PATH, without controllers for version 2 (cgroups(7))."""
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        words = frozenset(names.split(",")) if names else frozenset[str]()
        for mount in mounts:
            if mount.is_unified != (not names) or not words <= mount.words:
                continue
            below = relpath(path, mount.root)
            controllers = frozenset(_OLD[word] for word in words if word in _OLD)
            if not below.startswith("..") and (controllers or mount.is_unified):
                folder = mount.point if below == "." else join(mount.point, below)
                yield Hierarchy(mount.point, folder, controllers, mount.is_unified)
                break


def _order(one: Hierarchy) -> tuple[bool, str]:
    return not one.is_unified, one.top
