"""What the processes of instances take."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.manager.figures import FRESH, Census, Process, belonging, look, read
from snowfox.testing.clock import VirtualClock
from snowfox.testing.kernel import FakeKernel, FakePosix

_FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import os, time; os.setsid(); print(flush=True); time.sleep(60)"],
                         stdout=subprocess.PIPE)
child.stdout.read(1)
end = time.process_time() + 0.05
while time.process_time() < end:
    pass
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""


def process(pid: int, parent: int, session: int) -> Process:
    """One that takes nothing."""
    return Process(pid, parent, session, 0, 0, 0)


def owned(*processes: Process, mains: tuple[int, ...]) -> dict[int, list[int]]:
    """Pids by main process."""
    found = belonging({one.pid: one for one in processes}, mains)
    return {main: [one.pid for one in members] for main, members in found.items()}


def test_a_session_and_all_descendants_belong() -> None:
    """Children in the session, also of one that ended, and a child with a session of its own; not our own processes."""
    assert owned(
        process(1, 0, 1),
        process(10, 1, 10),
        process(11, 10, 10),
        process(12, 1, 10),  # its parent ended
        process(13, 11, 13),  # a session of its own
        process(14, 13, 13),
        process(20, 1, 20),
        process(30, 1, 30),
        mains=(10, 20, 99),
    ) == {10: [10, 11, 12, 13, 14], 20: [20]}


def test_a_main_process_need_not_lead_its_session() -> None:
    """One that was named later: all of its session belong to it, the first process and its children, too."""
    assert owned(
        process(10, 1, 10),
        process(11, 10, 10),
        process(12, 10, 10),
        process(13, 12, 13),
        process(20, 1, 20),
        mains=(11,),
    ) == {11: [10, 11, 12, 13]}


def test_parents_that_are_gone_or_in_a_circle() -> None:
    """Between two reads a process may end and its pid may be somebody else's."""
    assert owned(process(5, 4, 4), process(7, 8, 1), process(8, 7, 1), process(10, 1, 10), mains=(10,)) == {
        10: [10]
    }


async def test_of_real_processes() -> None:
    """A process with a child in a session of its own: both counted, with time, memory and descriptors."""
    posix = LinuxPosix()
    main = subprocess.Popen(  # noqa: ASYNC220 - a process for the test, made at once
        [sys.executable, "-I", "-S", "-c", _FAMILY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert main.stdin is not None
    assert main.stdout is not None
    try:
        child = int(main.stdout.readline())
        found = await look(posix, [main.pid, 2**22 + 1])
        assert list(found) == [main.pid]
        figures = found[main.pid]
        assert figures.processes == 2
        assert figures.cpu >= 50
        one, other = read(posix, main.pid), read(posix, child)
        assert one is not None
        assert other is not None
        assert figures.memory >= max(one.memory, other.memory) > 1 << 20
        opened = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (main.pid, child))
        assert figures.descriptors in {opened, -1}
    finally:
        main.stdin.close()
        main.wait(10)
        main.stdout.close()


async def test_memory_is_counted_once_however_many_ask(
    monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    """All processes are looked at once a second; who began since is read by itself, who is gone has none."""
    kernel = FakeKernel()
    posix = FakePosix(kernel)
    looks = 0

    def all_of_them() -> list[int]:
        nonlocal looks
        looks += 1
        return [10, 11, 20]

    monkeypatch.setattr(posix.processes, "all", all_of_them)
    for pid, parent, pages in ((10, 1, 3), (11, 10, 4), (20, 1, 5), (30, 1, 6)):
        fields = ["S", str(parent), "1", str(pid), *["0"] * 17, str(pages)]
        kernel.write(f"/proc/{pid}/stat", f"{pid} (a ) b) {' '.join(fields)} 0\n".encode())
    census = Census(posix, clock, lambda: [10, 20])
    first, second = await asyncio.gather(census.memory([10, 30]), census.memory([20, 99]))
    assert first == {10: 7 * 4096, 30: 6 * 4096}
    assert second == {20: 5 * 4096, 99: 0}
    assert await census.memory([]) == {}
    await clock.advance(FRESH - 0.1)
    await census.memory([10])
    assert looks == 1
    await clock.advance(0.2)
    await census.memory([10])
    assert looks == 2


async def test_where_processes_cannot_be_listed_the_main_one_counts(
    monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    """A status is told all the same."""
    posix = LinuxPosix()

    def refused() -> list[int]:
        raise PosixError("list", "/proc", errno.EACCES)

    monkeypatch.setattr(posix.processes, "all", refused)
    pid = os.getpid()
    found = await Census(posix, clock, lambda: [pid]).memory([pid])
    assert found[pid] > 1 << 20


def test_a_process_that_is_gone() -> None:
    """None."""
    assert read(LinuxPosix(), 2**22 + 1) is None
