"""Changes one after another: which may begin, which gives way, what is left of one that is refused."""

import json

import pytest

from snowfox.core.config.source import Sources
from snowfox.errors import NotNow, PosixError
from snowfox.service import event
from snowfox.testing.changing import PlayedHost, PlayedManager

FIRST = """
[socket.front]
listen = "127.0.0.1:8001"

[service.web]
command = ["web"]
sockets = ["front"]

[service.cache]
command = ["cache"]
"""
SECOND = FIRST.replace('"cache"]', '"cache", "-v"]')
THIRD = FIRST.replace('"cache"]', '"cache", "-q"]')
SLOW = SECOND.replace('"-v"]', '"-v"]\nready = { delay = "1m" }')
SOCKETS = FIRST + '[socket.a]\nlisten = "127.0.0.1:8002"\n[socket.b]\nlisten = "127.0.0.1:8003"\n'
OPEN = {"front=127.0.0.1:8001": True}
TAKEN = PosixError("bind", "127.0.0.1:8003", 98)


async def test_a_second_is_refused_with_the_name_of_the_first(manager: PlayedManager) -> None:
    """By apply, rollback and plan, while the first does anything at all; once it has ended they may."""
    first = manager.ask(SLOW)
    for when in ("0s", "5s"):
        await manager.clock.advance(when)
        for verb, hint in (
            (lambda: manager.ask(THIRD), ", or take its place: snowfox apply --supersede"),
            (manager.back, ", or undo it: snowfox rollback --supersede"),
        ):
            with pytest.raises(NotNow, match=f"#{first.number} .apply by anna. is under way") as refused:
                verb()
            assert refused.value.hint == f"wait for it{hint}"
        with pytest.raises(NotNow, match=f"cannot plan: #{first.number}") as refused:
            await manager.node.changes.plan("")
        assert refused.value.hint == "wait for it"
    assert (await manager.end(first)).code == 0
    assert (await manager.apply(THIRD)).code == 0


async def test_one_that_gets_ready_gives_way(host: PlayedHost, manager: PlayedManager) -> None:
    """It goes back first, and says what took its place; what took it is planned from the version before."""
    before, web = manager.version, host.pids()["web"]
    first = manager.ask(SLOW)
    await manager.clock.advance("5s")
    second = manager.ask(THIRD, supersede=True)
    end = await manager.end(second, "30s")
    assert first.end is not None
    assert (first.end.state, first.end.code) == ("rolled back", 4)
    assert first.end.message == f"rolled back to {before[:7]}: superseded by #{second.number}"
    assert (end.state, end.message[8:]) == ("done", "is in force: 1 replaced, 2 kept")
    assert host.pids()["web"] == web


async def test_one_that_verifies_gives_way(host: PlayedHost, manager: PlayedManager) -> None:
    """Nothing of it was made; what it had reserved already is given back before the other begins."""
    host.held.add("reserve b")
    first = manager.ask(SOCKETS)
    await manager.clock.settle()
    assert host.sockets == {**OPEN, "a=127.0.0.1:8002": False}
    second = manager.ask(THIRD, supersede=True)
    await manager.clock.settle()
    assert first.end is not None
    assert (first.end.state, first.end.code, first.end.message) == (
        "refused",
        3,
        f"superseded by #{second.number}: nothing was changed",
    )
    assert (await manager.end(second)).code == 0
    assert host.sockets == OPEN


async def test_the_same_version_may_fail(
    host: PlayedHost, manager: PlayedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How a change ended is told by that, not by the id of the version in force."""
    monkeypatch.setattr(Sources, "version", lambda *_: "0" * 64)
    assert (await manager.apply(SECOND)).code == 0
    host.bad.add("-q")
    end = await manager.apply(THIRD)
    assert (end.state, end.message, host.commands()["cache"]) == (
        "rolled back",
        manager.notes,
        ["cache", "-v"],
    )
    plan = await manager.node.changes.plan("")
    assert [line.name for line in plan.steps] == ["cache"]


async def test_one_gives_way_once(host: PlayedHost, manager: PlayedManager) -> None:
    """A third that comes while it gives back changes nothing in that."""
    host.held |= {"reserve b", "close_socket a"}
    first = manager.ask(SOCKETS)
    await manager.clock.settle()
    second = manager.ask(SECOND, supersede=True)
    await manager.clock.settle()
    third = manager.ask(THIRD, supersede=True)
    await manager.clock.settle()
    await host.release("close_socket a")
    assert (await manager.end(third)).code == 0
    assert first.end is not None
    assert first.end.message.startswith(f"superseded by #{second.number}")
    assert host.sockets == OPEN


async def test_one_in_force_already_stays(host: PlayedHost, manager: PlayedManager) -> None:
    """What only ends what has no place any more is waited for."""
    manager.host.held.add("close_socket front")
    first = manager.ask("""[service.cache]\ncommand = ["cache"]\n""")
    await manager.clock.advance("10s")
    version = manager.version
    second = manager.ask(THIRD, supersede=True)
    await manager.clock.advance("10s")
    assert first.end is second.end is None
    await host.release("close_socket front")
    end = await manager.end(second)
    assert first.end is not None
    assert (first.end.state, first.end.message[:7]) == ("done", version[:7])
    assert end.state == "done"


@pytest.mark.parametrize("when", ["verifying", "getting ready"])
async def test_a_rollback_undoes_what_is_under_way(
    host: PlayedHost, manager: PlayedManager, when: str
) -> None:
    """And that is all: the version before that one stays in force. So does asking again."""
    await manager.apply(THIRD)
    before, web = manager.version, host.pids()["web"]
    if when == "verifying":
        host.held.add("verify")
    first = manager.ask(SLOW)
    await manager.clock.advance("5s")
    second = manager.back(supersede=True)
    third = manager.back(supersede=True)
    end = await manager.end(third, "10s")
    message = f"#{first.number}, #{second.number} is undone: {before[:7]} is in force"
    assert (end.state, end.code, end.message) == ("done", 0, message)
    assert first.end is not None
    assert first.end.state == ("refused" if when == "verifying" else "rolled back")
    assert (manager.version, host.pids()["web"]) == (before, web)


async def test_a_rollback_undoes_what_cannot_be_ended(host: PlayedHost, manager: PlayedManager) -> None:
    """What is in force already, or comes to be so, is gone back from as ever."""
    before = manager.version
    host.held.add("close_socket front")
    manager.ask("""[service.cache]\ncommand = ["cache"]\n""")
    await manager.clock.advance("10s")
    back = manager.back(supersede=True)
    await manager.clock.advance("1s")
    await host.release("close_socket front")
    end = await manager.end(back)
    assert (end.state, manager.version, host.sockets) == ("done", before, OPEN)


async def test_a_rollback_tells_what_could_not_be_undone(host: PlayedHost, manager: PlayedManager) -> None:
    """It ends as what it was to undo."""
    first = manager.ask(SLOW + '[socket.a]\nlisten = "127.0.0.1:8002"\n')
    await manager.clock.advance("5s")
    host.fails["close_socket a"] = TAKEN
    end = await manager.end(manager.back(supersede=True))
    assert first.end is not None
    assert (end.state, end.code, end.message) == ("degraded", 5, first.end.message)


async def test_what_is_wrong_takes_nobodys_place(manager: PlayedManager) -> None:
    """A superseding change that cannot be read is refused, and the one under way goes on."""
    first = manager.ask(SLOW)
    await manager.clock.advance("5s")
    second = manager.ask("[service.web]\ncommnd = []\n", supersede=True)
    await manager.clock.advance("5s")
    assert second.end is not None
    assert (second.end.state, second.end.code, first.end) == ("refused", 3, None)
    assert (await manager.end(first)).code == 0


async def test_the_last_of_several_that_wait_is_the_one(manager: PlayedManager) -> None:
    """Each has an end; the one asked for last is in force."""
    asked = [manager.ask(SLOW)]
    await manager.clock.advance("5s")
    asked += [manager.ask(text, supersede=True) for text in (SECOND, FIRST, THIRD)]
    assert (await manager.end(asked[-1])).state == "done"
    assert [one.end.state for one in asked if one.end] == ["rolled back", "refused", "refused", "done"]
    assert asked[-1].end is not None
    assert asked[-1].end.message.startswith(f"{manager.version[:7]} is in force")


async def test_a_refusal_gives_everything_back(host: PlayedHost, manager: PlayedManager) -> None:
    """Every reason is told; no socket, no process, no version and no record is left of it."""
    versions, pids = await manager.node.changes.versions(), host.pids()
    kept = await host.store.statuses()
    host.fails["reserve b"] = TAKEN
    host.unfit |= {"other", "more"}
    end = await manager.apply(
        SOCKETS.replace('["cache"]', '["other"]') + '[service.more]\ncommand = ["more"]\n'
    )
    assert (end.state, end.code) == ("refused", 3)
    assert end.details == [
        "cannot bind 127.0.0.1:8003: address already in use (EADDRINUSE) for socket b",
        "cannot launch cache: no such program",
        "cannot launch more: no such program",
    ]
    assert (host.sockets, host.pids()) == (OPEN, pids)
    assert await manager.node.changes.versions() == versions
    assert (await host.store.statuses()) == kept
    assert manager.notes == ""


async def test_a_verify_that_nobody_answers_ends(host: PlayedHost, manager: PlayedManager) -> None:
    """After a minute, with the reason; what was reserved, or may be, is given back."""
    host.held.add("reserve b")
    end = await manager.end(manager.ask(SOCKETS), "61s")
    assert (end.state, end.code, "60 s" in end.details[0]) == ("refused", 3, True), end
    assert host.sockets == OPEN
    assert sorted(host.asked[-2:]) == ["close_socket a", "close_socket b"]


async def test_a_change_while_the_node_goes_down(host: PlayedHost, manager: PlayedManager) -> None:
    """One that is under way is interrupted and stored as that; another may not begin."""
    before = manager.version
    first = manager.ask(SLOW)
    await manager.clock.advance("5s")
    manager.node.driver.tell(event.StopAll(manager.node.open("down", "anna", ()).id))
    with pytest.raises(NotNow, match="the node is stopping"):
        manager.ask(SLOW, supersede=True)
    await manager.clock.advance("10s")
    assert first.end is not None
    assert (first.end.state, first.end.code) == ("interrupted", 1)
    assert manager.version == before
    assert json.loads((await host.store.statuses())["~change"])[0][-1] == "applying"
