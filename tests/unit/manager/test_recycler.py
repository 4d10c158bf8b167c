"""What is too old or too fat is found."""

from __future__ import annotations

import asyncio
from typing import Any

from snowfox.manager import recycler
from snowfox.manager.recycler import Recycler
from snowfox.service.event import Recycle
from snowfox.service.renewal import Recycle as Bounds
from snowfox.service.status import Status

SECOND = 1_000_000_000


class Host:
    """A clock, alarms, a board and plans."""

    def __init__(self, **bounds: Bounds) -> None:
        self.bounds = bounds
        self.booted = 0
        self.seconds = self.takes = 0.0
        self.alarms: list[tuple[float, Any]] = []
        self.cleared = 0
        self.statuses: dict[str, Status] = {}
        self.told: list[Recycle] = []

    def boot(self) -> int:
        """The time."""
        return self.booted

    def now(self) -> float:
        """The time, in seconds."""
        return self.seconds

    def set(self, seconds: float, fire: Any) -> int:
        """An alarm."""
        self.alarms.append((seconds, fire))
        return len(self.alarms)

    def clear(self, _: Any) -> None:
        """It is no more."""
        self.cleared += 1
        self.alarms.clear()

    async def memory(self, pids: list[int]) -> dict[int, int]:
        """What instances take: a mebibyte for each number of a pid; to count takes `takes` seconds."""
        self.seconds += self.takes
        return {pid: pid << 20 for pid in pids}

    def recycled(self) -> dict[str, Bounds]:
        """What the configuration says."""
        return self.bounds

    def fire(self) -> float:
        """Let the alarm ring; how long it was set for."""
        seconds, fire = self.alarms.pop()
        fire()
        return seconds


async def settle() -> None:
    """Let what was begun go on."""
    for _ in range(3):
        await asyncio.sleep(0)


def of(host: Any) -> Recycler:
    """One on this host."""
    found = Recycler(host.memory, host, alarms=host, board=host, tell=host.told.append)
    found.use(host)
    return found


def test_nobody_looks_where_nothing_is_recycled():
    """No timer, so no wake-up; none any more, once the configuration says so."""
    host = Host()
    of(host)
    assert host.alarms == []
    host.bounds = {"web": Bounds(age=60.0)}
    found = of(host)
    assert len(host.alarms) == 1
    host.bounds = {}
    some: Any = host
    found.use(some)
    assert (host.alarms, host.cleared) == ([], 1)


def test_age():
    """Told when it is old, and again while it stays; what is not ready is left alone."""
    host = Host(web=Bounds(age=60.0), other=Bounds(age=1.0))
    host.statuses = {
        "web": Status("web", "web", "ready", "green", 0.0, 7, 10 * SECOND, "web~1"),
        "other": Status("other", "other", "starting", "yellow", 0.0, 8, SECOND, "other~1"),
    }
    of(host)
    host.booted = 69 * SECOND
    assert host.fire() == 0.25
    assert host.told == []
    host.booted = 70 * SECOND
    host.fire()
    host.fire()
    assert host.told == [Recycle("web~1", "older than 1m")] * 2


async def test_memory():
    """As `status` shows it; after a look that took long the next one waits."""
    host = Host(web=Bounds(memory=100 << 20))
    host.statuses = {"web": Status("web", "web", "ready", "green", 0.0, 99, 1, "web~1")}
    of(host)
    assert host.fire() == recycler.EVERY
    await settle()
    assert host.told == []
    host.statuses["web"] = host.statuses["web"].replace(pid=100)
    host.takes = 0.5
    assert host.fire() == recycler.EVERY
    await settle()
    assert host.told == [Recycle("web~1", "it took 100.0M of memory")]
    assert host.fire() == 50.0


async def test_another_configuration_ends_a_look_under_way():
    """Nobody is told by bounds that are no more, and there is one timer."""
    host = Host(web=Bounds(memory=1))
    host.statuses = {"web": Status("web", "web", "ready", "green", 0.0, 99, 1, "web~1")}
    found = of(host)
    host.fire()
    some: Any = host
    found.use(some)
    await settle()
    assert host.told == []
    assert len(host.alarms) == 1
