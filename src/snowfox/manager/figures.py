"""What the processes of instances take: processor time, memory, descriptors, by proc(5).

An instance has the processes of its main process's session, and all that descend from them. One look at all processes
serves all instances, a slice at a time, so that it holds up nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix import kernel_file
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.values import Seconds

FRESH: Final[Seconds] = 1.0
"""How old a count of memory may be."""
_SLICE: Final = 100
_STAT: Final = 1024  # longer than any line of /proc/PID/stat
_PAGE: Final = 4096
_TICK: Final = 10
"""Milliseconds of a unit of utime and stime: user space always has 100 a second (time(7), USER_HZ)."""


class Process(NamedTuple):
    """A process, by /proc/PID/stat.

    Args:
        pid: its id.
        parent: that of its parent.
        session: that of its session's leader.
        cpu: ms of processor time, its own.
        waited: ms of processor time of its children that it waited for.
        memory: resident bytes.
    """

    pid: int
    parent: int
    session: int
    cpu: int
    waited: int
    memory: int


class Figures(NamedTuple):
    """What an instance takes.

    Args:
        cpu: ms of processor time since it was launched, of all its processes that are there and of those that its main
            process waited for.
        memory: resident bytes; shared pages count in each process.
        descriptors: open ones; -1 where the kernel does not tell (Linux before 6.2).
        processes: how many.
    """

    cpu: int
    memory: int
    descriptors: int
    processes: int


async def look(posix: Posix, mains: Iterable[int]) -> dict[int, Figures]:
    """What the instances with these main processes take, by main process; those that are gone are left out.

    Raises PosixError when /proc cannot be listed.
    """
    known = await _all(posix)
    found: dict[int, Figures] = {}
    for index, (main, members) in enumerate(belonging(known, mains).items()):
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        counts = [_descriptors(posix, member.pid) for member in members]
        found[main] = Figures(
            sum(member.cpu for member in members) + known[main].waited,
            sum(member.memory for member in members),
            -1 if -1 in counts else sum(counts),
            len(members),
        )
    return found


async def _all(posix: Posix) -> dict[int, Process]:
    known: dict[int, Process] = {}
    for index, pid in enumerate(posix.processes.all()):
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        process = read(posix, pid)
        if process is not None:
            known[pid] = process
    return known


class Census:
    """The memory of instances, counted at most once in `FRESH` seconds, however many ask.

    Args:
        posix: the kernel.
        clock: the time.
        mains: the main processes of all instances.
    """

    def __init__(self, posix: Posix, clock: Clock, mains: Callable[[], Iterable[int]]) -> None:
        self._posix = posix
        self._clock = clock
        self._mains = mains
        self._counted: dict[int, int] = {}
        self._until: Seconds = 0.0
        self._lock = asyncio.Lock()

    async def memory(self, mains: Iterable[int]) -> dict[int, int]:
        """Resident bytes of all processes of the instances with these main processes, as `look` counts them; 0: gone.

        Of one that began since the last count, and where /proc cannot be listed, of its main process.
        """
        wanted = [*mains]
        async with self._lock:
            if wanted and self._clock.now() >= self._until:
                self._counted = await self._count()
                self._until = self._clock.now() + FRESH
        return {main: self._counted.get(main) or _resident(self._posix, main) for main in wanted}

    async def _count(self) -> dict[int, int]:
        try:
            known = await _all(self._posix)
        except PosixError:
            return {}
        found = belonging(known, self._mains())
        return {main: sum(one.memory for one in members) for main, members in found.items()}


def _resident(posix: Posix, pid: int) -> int:
    process = read(posix, pid)
    return 0 if process is None else process.memory


def belonging(processes: Mapping[int, Process], mains: Iterable[int]) -> dict[int, list[Process]]:
    """The processes of each main process that is there, itself among them."""
    owners: dict[int, int] = {main: main for main in mains if main in processes}
    found: dict[int, list[Process]] = {main: [] for main in owners}
    sessions = {processes[main].session: main for main in owners}
    nobody = 0
    for pid in processes:
        path: list[int] = []
        place = pid
        while place not in owners:
            path.append(place)
            process = processes.get(place)
            if process is None or len(path) > len(processes):
                owners[place] = nobody
            elif process.session in sessions:
                owners[place] = sessions[process.session]
            else:
                place = process.parent
        owners.update(dict.fromkeys(path, owners[place]))
        if owners[pid]:
            found[owners[pid]].append(processes[pid])
    return found


def read(posix: Posix, pid: int) -> Process | None:
    """A process; None when it is gone."""
    line = kernel_file.line(posix, f"/proc/{pid}/stat", most=_STAT)
    # The name in brackets may hold anything, brackets too (proc_pid_stat(5)).
    fields = line[line.rfind(b")") + 2 :].split()
    if len(fields) < 22:
        return None
    utime, stime, waited_utime, waited_stime = map(int, fields[11:15])
    return Process(
        pid,
        int(fields[1]),
        int(fields[3]),
        (utime + stime) * _TICK,
        (waited_utime + waited_stime) * _TICK,
        int(fields[21]) * _PAGE,
    )


def _descriptors(posix: Posix, pid: int) -> int:
    """How many it has open: the size of its folder, which anybody may ask for (since Linux 6.2); 0 when it is gone."""
    try:
        return posix.files.stat(f"/proc/{pid}/fd").size or -1
    except PosixError:
        return 0
