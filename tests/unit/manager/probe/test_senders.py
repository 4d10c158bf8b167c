"""Who belongs to whom."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.probe.senders import Senders

TOKEN = f"web@1~{'0' * 26}"
GROUP = f"5:pids:/snowfox/{TOKEN}"


class Groups(Senders):
    """With groups that the test gives; the main process of `TOKEN` is 7."""

    def __init__(self, groups: dict[int, list[str]]) -> None:
        posix: Any = LinuxPosix()
        super().__init__(posix, {TOKEN: 7}.get)  # type: ignore[arg-type]
        self.groups = groups

    def _groups(self, pid: int) -> list[str]:
        return self.groups.get(pid, [])


def test_a_process_its_session_and_where_it_descends_from() -> None:
    """Those of this very process, in this order; the first process of the host is nobody's."""
    found = list(Senders(LinuxPosix(), lambda _: 0).of(os.getpid()))
    assert found[0] == os.getpid()
    assert os.getsid(0) in {0, *found[:2]}  # 0: led by a process outside our pid namespace
    assert os.getppid() in found or os.getppid() <= 1
    assert 1 not in found


def test_its_group_is_asked_last() -> None:
    """A child of nobody's, in a session of its own, is found by the group that it is still in."""
    groups = {99: ["4:memory:/", GROUP], 7: [GROUP]}
    assert list(Groups(groups).of(99))[-1] == 7
    groups[99] = [f"{GROUP}/inner"]
    assert list(Groups(groups).of(99))[-1] == 7


@pytest.mark.parametrize(
    "line",
    [
        f"5:pids:/user/{TOKEN}",
        f"4:memory:/snowfox/{TOKEN}",
        GROUP[:-1] + "1",
        "5:pids:/snowfox",
        "",
        f"5:pids:{TOKEN}",
    ],
)
def test_f24_a_group_of_that_name_elsewhere_is_a_strangers(line: str) -> None:
    """Another hierarchy, another parent, another launch: not the group that the main process is in."""
    assert list(Groups({99: [line], 7: [GROUP]}).of(99))[-1:] != [7]


def test_groups_are_read_from_the_host() -> None:
    """Of a process that is gone there are none."""
    senders = Senders(LinuxPosix(), lambda _: 0)
    assert senders._groups(os.getpid()) == Path("/proc/self/cgroup").read_text().split("\n")
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert senders._groups(child) == []
