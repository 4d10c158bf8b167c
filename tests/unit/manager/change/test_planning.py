"""What a plan says, and that nothing becomes of it; versions that are kept, and what a person means by them."""

import asyncio

import pytest

from snowfox.core.store.api import Version
from snowfox.errors import ConfigurationRefused, PosixError, UserError
from snowfox.manager.change.proposal import MOST_PROBLEMS
from snowfox.manager.change.versions import find
from snowfox.testing.changing import PlayedHost, PlayedManager

FIRST = """
[service.web]
command = ["web"]
"""
BOTH = '[socket.c]\nlisten = ["127.0.0.1:8004", "127.0.0.1:8005"]\n'
SOCKETS = '[socket.a]\nlisten = "127.0.0.1:8002"\n[socket.b]\nlisten = "127.0.0.1:8003"\n' + FIRST


@pytest.mark.parametrize("fails", [(), ("reserve b",)])
async def test_a_plan_leaves_nothing(
    host: PlayedHost, manager: PlayedManager, fails: tuple[str, ...]
) -> None:
    """What was reserved for it is given back, refused or not; no operation, no version, no process."""
    host.text = SOCKETS
    host.fails = {one: PosixError("bind", "127.0.0.1:8003", 98) for one in fails}
    pids, version, stored = host.pids(), manager.version, await host.store.operations()
    plan = await manager.node.changes.plan("")
    assert [(line.action, line.name) for line in plan.steps] == [("create", "a"), ("create", "b")]
    assert (plan.kept, len(plan.refusals)) == (1, len(fails))
    assert (plan.before.id, plan.after.is_current) == (version, False)
    assert (host.sockets, host.pids(), manager.version) == ({}, pids, version)
    assert await host.store.operations() == stored


async def test_a_plan_that_nobody_waits_for_any_more(host: PlayedHost, manager: PlayedManager) -> None:
    """What it holds is given back, and the next change need not wait for it."""
    host.held.add("reserve b")
    host.text = SOCKETS
    plan = asyncio.ensure_future(manager.node.changes.plan(""))
    await manager.clock.settle()
    assert host.sockets == {"a=127.0.0.1:8002": False}
    plan.cancel()
    await manager.clock.settle()
    assert (plan.cancelled(), host.sockets) == (True, {})
    host.held.clear()
    assert (await manager.apply(SOCKETS)).code == 0


@pytest.mark.parametrize("verb", ["reserve b", "verify", "close_socket a"])
@pytest.mark.parametrize("fails", [(), ("reserve b",)])
async def test_nobody_waits_for_it_any_more(
    host: PlayedHost, manager: PlayedManager, fails: tuple[str, ...], verb: str
) -> None:
    """Whatever it does when who asked goes away: all is given back."""
    host.text = SOCKETS.replace('"web"]', '"web", "-v"]') + BOTH
    host.asked.clear()
    host.fails = {one: PosixError("bind", "127.0.0.1:8003", 98) for one in fails}
    host.held.add(verb)
    task = asyncio.ensure_future(manager.node.changes.plan(""))
    await manager.clock.settle()
    assert verb in host.asked
    task.cancel()
    await manager.clock.settle()
    await host.release(verb)
    await manager.clock.advance("1s")
    assert (task.cancelled(), host.sockets) == (True, {})


async def test_what_is_wrong_in_itself_has_no_plan(manager: PlayedManager) -> None:
    """It is refused with all that is wrong."""
    manager.host.text = "[service.web]\ncommnd = []\n[service.x]\n"
    with pytest.raises(ConfigurationRefused) as refused:
        await manager.node.changes.plan("")
    assert len(refused.value.problems) > 1


async def test_reasons_without_number_are_bounded(manager: PlayedManager) -> None:
    """The first hundred, and how many more."""
    manager.host.unfit.add("bad")
    services = "".join(f'[service.s{number}]\ncommand = ["bad"]\n' for number in range(MOST_PROBLEMS + 7))
    end = await manager.apply(services)
    assert (len(end.details), end.details[-1]) == (MOST_PROBLEMS + 1, "and 7 more")


async def test_twenty_versions_are_kept(host: PlayedHost, manager: PlayedManager) -> None:
    """The last that were in force; back to any of these without a file, to none of before."""
    ids = [manager.version]
    for number in range(24):
        await manager.apply(FIRST.replace('"web"]', f'"web", "{number}"]'))
        ids.append(manager.version)
    assert [one.id for one in await manager.node.changes.versions()] == ids[-20:]
    host.text = "["
    assert (await manager.end(manager.back(ids[-20]))).code == 0
    assert host.commands() == {"web": ["web", "4"]}
    assert [one.id for one in await manager.node.changes.versions()] == [*ids[-19:], ids[-20]]
    end = await manager.end(manager.back(ids[0]))
    assert (end.code, "no versions begin with" in end.details[0]) == (3, True)
    assert (await manager.end(manager.back())).code == 0
    assert manager.version == ids[-1]


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        ("aa", "aab"),
        ("b", "bcd"),
        ("", "bcd"),
        ("a", "2 versions begin with a"),
        ("x", "no versions begin with x"),
    ],
)
def test_which_version_is_meant(meant: str, found: str) -> None:
    """The one whose id begins so; without any, the last that is not in force."""
    kept = [Version(one, at, "snowfox.toml", b"") for at, one in enumerate(("aab", "bcd", "acd"))]
    try:
        assert find(kept, meant, now="acd").id == found
    except UserError as error:
        assert str(error) == f"cannot roll back: {found}"


def test_there_may_be_none_before() -> None:
    """The first version has nothing to go back to."""
    with pytest.raises(UserError, match="there is no version before this"):
        find([Version("a", 1, "snowfox.toml", b"")], "", now="a")
