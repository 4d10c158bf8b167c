"""Signals to a launch, and who is "all that is left" of it.

A launch that has a control group is that group. Without one it is its session, and whoever has its mark:

Each process starts in a session of its own, whose number is its pid. `kill` signals the process group of that number at
once. A little later one look through /proc, shared by all kills of that time, kills what else is in those sessions: job
control makes groups of its own. So it does with what left its session but has the environment that the launch began with:
there `MARK` names the launch (as Jenkins finds what a build left, by its BUILD_ID), and with what still writes into the
launch's output. Who left its session, executed something with another environment and writes elsewhere is not found;
that is for control groups.

No stranger is hit: while the main process is unreaped, nobody else can get its number, and our children are reaped only
when forgotten. Where it was reaped (adopted ones are the daemon's children), the kernel keeps the number as long as the
session has members: so it is still ours when one of them is older than the exit. A session whose leader lives, or whose
members are all younger, may be a stranger's: of that, too, only those die who have the mark or write into the output. A
process that is older than the launch is left alone.

Where another process than was launched is the main process (`succession`), its session is the launch's as well.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from snowfox.core import log
from snowfox.core.named import NamedTuple
from snowfox.core.posix import kernel_file
from snowfox.errors import PosixError
from snowfox.spawner.held import Handle, Kit

MARK: Final = "SNOWFOX_LAUNCH"
"""The variable in which a launch without a control group has its token."""

_LONGEST: Final = 1 << 18  # bytes of an environment that are looked at
_KILL: Final = int(signal.SIGKILL)
_ROUNDED: Final = 20_000_000  # ns; /proc rounds a start down to a tick of 10 ms


_NEVER: Final = 1 << 63
_OUTPUTS: Final = (1, 2)
_DEEPEST: Final = 8
_REMOVED: Final = (
    " (deleted)"  # what the kernel says behind a path that is not there any more (proc_pid_fd(5))
)
_log = log.get("spawner")


class _Marked(NamedTuple):
    """A session to kill: of a launch that started then; its number was free from `free` on; FIFOs of its output."""

    started: int
    free: int
    token: str
    streams: tuple[str, ...]


class _Signs(NamedTuple):
    """What those of launches have who left their sessions."""

    marks: frozenset[bytes]
    streams: frozenset[str]


class Leftovers:
    """Signals launches by token."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._marked: dict[int, _Marked] = {}

    def signal(self, token: str, number: int) -> bool:
        """Signal the main process; False when it is gone."""
        handle = self._kit.held.get(token)
        if handle is None or handle.pidfd < 0:
            return False
        return self._posix.processes.signal(handle.pidfd, number)

    def kill(self, token: str) -> bool:
        """SIGKILL to its process group now, and to the rest of its session with the next `sweep`.

        True when there was something to signal, be it only a child that ended and is not forgotten.
        """
        handle = self._kit.held.get(token)
        if handle is None:
            return False
        if handle.had_groups:
            self._kit.groups.kill(handle.groups)
        else:
            streams = tuple(self._streams(handle))
            for session in (handle.pid, handle.session):
                self._marked[session] = _Marked(handle.started, _free(handle, session), token, streams)
        # First itself: it may not lead its group yet.
        was_there = handle.pidfd >= 0 and self._posix.processes.signal(handle.pidfd, _KILL)
        if handle.is_child or (self._is_there(handle.pid, handle.started) if handle.has_moved else was_there):
            return self._posix.processes.signal_group(handle.pid, _KILL) or was_there
        return was_there

    def owns(self, token: str, pid: int) -> bool:
        """Whether a process is of a launch: of its groups, or, without them, of its sessions, a descendant, or marked."""
        handle = self._kit.held.get(token)
        if handle is None:
            return False
        if handle.had_groups:
            return self._kit.groups.holds(handle.groups, pid)
        identity = self._posix.processes.identity
        found = identity(pid)
        if found is None or found.started + _ROUNDED < handle.started:
            return False
        ours: set[int] = set()
        if handle.is_child or self._is_there(handle.pid, handle.started):
            ours.add(handle.pid)
        if self._is_there(handle.main, handle.followed or handle.started):
            ours |= {handle.main, handle.session}
        for _ in range(_DEEPEST):
            if found is None:
                break
            if found.pid in ours or found.session in ours:
                return True
            found = identity(found.parent)
        return self._is_ours(pid, _Signs(frozenset([mark_of(token)]), frozenset(self._streams(handle))))

    def _is_there(self, pid: int, at: int) -> bool:
        """Whether the process that had this number then has it still."""
        found = self._posix.processes.identity(pid)
        return found is not None and found.started <= at

    @property
    def wants_sweep(self) -> bool:
        """Whether there were kills since the last sweep, or groups are to be removed."""
        return bool(self._marked) or self._kit.groups.wants_sweep

    def sweep(self) -> None:
        """Kill what is left in the sessions that were killed; without descriptors, with the next sweep."""
        self._kit.groups.sweep()
        if not self._marked:
            return
        marked, self._marked = self._marked, {}
        try:
            self._sweep(marked.copy())
        except PosixError as error:
            _log.error("cannot look for what is left of killed services", error=str(error))
            self._marked = marked | self._marked

    def _sweep(self, marked: dict[int, _Marked]) -> None:
        left: list[tuple[int, int]] = []
        ours: set[int] = set()
        oldest = min(each.started for each in marked.values())
        signs = _Signs(
            frozenset(mark_of(each.token) for each in marked.values()),
            frozenset(stream for each in marked.values() for stream in each.streams),
        )
        for pid in self._posix.processes.all():
            found = self._posix.processes.identity(pid)
            if found is None or found.state in "ZX":
                continue
            # Ours is dying of its group's signal; or the number was used again, or it is the leader of a main process.
            if pid == found.session:
                marked.pop(pid, None)
            if found.session not in marked:
                if found.started + _ROUNDED >= oldest:
                    self._kill_if_ours(pid, signs)
            elif found.started + _ROUNDED >= marked[found.session].started:
                left.append((pid, found.session))
                if found.started + _ROUNDED <= marked[found.session].free:
                    ours.add(found.session)
        for pid, session in left:
            if session in ours & marked.keys():
                self._kill_member(pid, session)
            else:
                self._kill_if_ours(pid, signs)

    def _streams(self, handle: Handle) -> Iterator[str]:
        """Paths of its FIFOs, which no other launch ever has."""
        for end in (handle.output, handle.errors):
            if end is not None:
                with suppress(PosixError):
                    yield self._posix.files.link_target(f"/proc/self/fd/{end}").removesuffix(_REMOVED)

    def _is_ours(self, pid: int, signs: _Signs) -> bool:
        return self._has_mark(pid, signs.marks) or any(
            self._writes_into(pid, number, signs.streams) for number in _OUTPUTS
        )

    def _writes_into(self, pid: int, number: int, streams: frozenset[str]) -> bool:
        try:
            target = self._posix.files.link_target(f"/proc/{pid}/fd/{number}")
        except PosixError:
            return False  # gone, or not ours to know
        return target.removesuffix(_REMOVED) in streams

    def _has_mark(self, pid: int, marks: frozenset[bytes]) -> bool:
        """Whether one of these is among the variables that it began with; a shell changes their order."""
        variables = kernel_file.content(self._posix, f"/proc/{pid}/environ", most=_LONGEST)
        return not marks.isdisjoint(variables.split(b"\0"))

    def _kill_if_ours(self, pid: int, signs: _Signs) -> None:
        if not self._is_ours(pid, signs):
            return
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError:
            return  # gone meanwhile
        try:
            if self._is_ours(pid, signs):
                self._posix.processes.signal(pidfd, _KILL)
        finally:
            self._posix.files.close(pidfd)

    def _kill_member(self, pid: int, session: int) -> None:
        try:
            pidfd = self._posix.processes.open(pid)
        except PosixError:
            return  # gone meanwhile
        try:
            found = self._posix.processes.identity(pid)
            if found is not None and found.session == session:
                self._posix.processes.signal(pidfd, _KILL)
        finally:
            self._posix.files.close(pidfd)


def mark_of(token: str) -> bytes:
    """The variable that marks all processes of a launch without a control group."""
    return f"{MARK}={token}".encode()


def _free(handle: Handle, session: int) -> int:
    """From when on another process may have got the number of a session of it."""
    if handle.is_child and session == handle.pid:
        return _NEVER
    return handle.ended or _NEVER if session == handle.session else handle.followed
