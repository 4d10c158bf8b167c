"""`snowfox scale`: a change of the number of instances that lasts."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.errors import NotFound, NotNow, UserError
from snowfox.manager.operation.operation import Operation
from snowfox.testing.changing import PlayedHost, PlayedManager

FIRST = """
[service.web]
command = ["web"]

[service.cache]
command = ["cache"]
instances = 2

[service.blue]
command = ["blue"]
instances = ["a", "b"]
"""


def ask(manager: PlayedManager, **asked: int) -> Operation:
    """A person scales."""
    return manager.node.changes.scale(asked, who="anna")


def running(manager: PlayedManager, service: str = "") -> list[str]:
    """Instances that have a process."""
    statuses = manager.node.board.statuses.values()
    return sorted(one.id for one in statuses if one.pid and one.service.startswith(service))


async def scale(manager: PlayedManager, **asked: int) -> Any:
    """How it ended."""
    return await manager.end(ask(manager, **asked), "30s")


@pytest.fixture
async def manager(clock: Any, host: PlayedHost) -> Any:
    """One that runs these."""
    made = await PlayedManager.begun(clock, host, FIRST)
    yield made
    await made.close()


async def test_the_difference_is_started_and_stopped(host: PlayedHost, manager: PlayedManager) -> None:
    """Those that stay keep their process; the version in force is the same; 0 is what is written."""
    before, version = host.pids(), manager.version
    end = await scale(manager, web=3)
    assert (end.code, end.state, end.message) == (0, "done", "web has 3 instances")
    after = host.pids()
    assert running(manager, "web") == ["web@1", "web@2", "web@3"]
    assert set(before.values()) <= set(after.values())
    assert manager.version == version
    assert len(await manager.node.changes.versions()) == 1
    end = await scale(manager, web=0, cache=1)
    assert end.message == "web has 1 instance, cache has 1 instance"
    assert running(manager) == ["blue@a", "blue@b", "cache", "web"]
    assert (await scale(manager, web=1)).message == "web has 1 instance"


async def test_it_lasts(clock: Any, host: PlayedHost, manager: PlayedManager) -> None:
    """Over an apply of something else, another manager and another start of the node."""
    await scale(manager, web=3)
    await manager.apply(FIRST.replace('"cache"]', '"cache", "-v"]'))
    assert "web@3" in host.pids()
    await manager.node.keeper.flush()
    await manager.close()
    for daemon in ("D1", "D2"):
        later = await PlayedManager.begun(clock, host, daemon=daemon)
        assert running(later, "web") == ["web@1", "web@2", "web@3"]
        assert later.node.board.statuses["web@3"].light == "green"
        await later.close()
    host.join(lambda *_: None)


async def test_a_number_that_is_written_later_goes_before_it(
    host: PlayedHost, manager: PlayedManager
) -> None:
    """And it is forgotten then."""
    await scale(manager, cache=4)
    await manager.apply(FIRST.replace("instances = 2", "instances = 3"))
    assert "cache@3" in host.pids()
    assert "cache@4" not in host.pids()
    assert manager.node.scales == {}
    await manager.apply(FIRST)
    assert "cache@3" not in host.pids()


@pytest.mark.parametrize(
    ("asked", "error", "why"),
    [
        ({"wbe": 2}, NotFound, "there is no service"),
        ({"blue": 2}, UserError, "its instances have names"),
        ({"web": 1001}, UserError, "1 to 1000 instances"),
        ({"web": -1}, UserError, "1 to 1000 instances"),
    ],
)
async def test_what_cannot_be(
    manager: PlayedManager, asked: dict[str, int], error: type[Exception], why: str
) -> None:
    """It is told before anything begins."""
    with pytest.raises(error, match=why):
        ask(manager, **asked)


async def test_not_beside_another_change(manager: PlayedManager) -> None:
    """While one is under way, or not confirmed yet."""
    first = ask(manager, web=2)
    with pytest.raises(NotNow, match="is under way"):
        ask(manager, cache=3)
    assert (await manager.end(first)).code == 0
    await manager.apply(FIRST.replace('"web"]', '"web", "-v"]'), confirm=600_000)
    with pytest.raises(NotNow, match=r"cannot scale: .* is not confirmed yet"):
        ask(manager, cache=3)
