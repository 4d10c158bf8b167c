"""What the processes of instances take."""

from __future__ import annotations

import os
import subprocess
import sys

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.figures import Process, belonging, look, read

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


def test_a_process_that_is_gone() -> None:
    """None."""
    assert read(LinuxPosix(), 2**22 + 1) is None
