"""What is to be confirmed, over time and over managers; what a manager finds of a change that was under way."""

import asyncio

import pytest

from snowfox.errors import NotNow, StoreError, UserError
from snowfox.manager.change.record import APPLYING, RETIRING, UNDOING, Change, Provisional, Record, parse
from snowfox.testing.changing import PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock

FIRST = """
[service.web]
command = ["web"]
[service.gone]
command = ["gone"]
"""
SECOND = """
[service.web]
command = ["web", "-v"]
"""
THIRD = SECOND.replace("-v", "-q")
MINUTES = 60_000
RUNS = {"first": {"web": ["web"], "gone": ["gone"]}, "second": {"web": ["web", "-v"]}}


@pytest.mark.parametrize(
    "record", [Record(), Record(Change("O", 7, "a", "b", UNDOING), Provisional("a", "b", 5), "so")]
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    """All of it, and nothing at all."""
    assert parse(record.text()) == record


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[[1], null, null]", '[null, ["a"], ""]'])
def test_a_damaged_record_is_as_good_as_none(text: str) -> None:
    """A manager begins all the same."""
    assert parse(text) == Record()


async def test_not_confirmed(host: PlayedHost, manager: PlayedManager) -> None:
    """It stays for just that long, says so, and goes back; nothing more happens then."""
    before = manager.version
    await manager.apply(SECOND, confirm=2 * MINUTES)
    version = manager.version[:7]
    assert manager.notes.startswith(f"{version} goes back to {before[:7]} in ")
    by = max(one.confirm_by for one in await manager.node.changes.versions())
    await manager.clock.advance((by - manager.clock.wall()) / 1000 - 1)
    assert host.commands() == RUNS["second"]
    await manager.clock.advance("20s")
    assert (host.commands(), manager.version) == (RUNS["first"], before)
    assert manager.notes.endswith(f"went back to {before[:7]}: {version} was not confirmed in time")
    last = manager.node.operations.latest("rollback")
    assert last is not None
    assert last.who == "the node, not confirmed in time"
    await manager.clock.advance("1h")
    assert manager.node.operations.latest("rollback") is last


async def test_confirmed(host: PlayedHost, manager: PlayedManager) -> None:
    """It stays for ever; there is nothing to confirm before and after."""
    with pytest.raises(UserError, match="not provisional"):
        await manager.node.changes.confirm()
    await manager.apply(SECOND, confirm=2 * MINUTES)
    assert (await manager.node.changes.confirm()).confirm_by == 0
    with pytest.raises(UserError, match="not provisional"):
        await manager.node.changes.confirm()
    await manager.clock.advance("1h")
    assert (host.commands(), manager.notes) == (RUNS["second"], "")


async def test_too_late_to_confirm(host: PlayedHost, manager: PlayedManager) -> None:
    """Once the node goes back it is refused; where that does not succeed it may be confirmed after all."""
    await manager.apply(SECOND, confirm=1 * MINUTES)
    host.held.add("verify")
    host.unfit.add("gone")
    await manager.clock.advance("1m")
    back = manager.node.operations.latest("rollback")
    assert back is not None
    with pytest.raises(NotNow, match=f"#{back.number} is going back already"):
        await manager.node.changes.confirm()
    await host.release("verify")
    await manager.clock.settle()
    assert (await manager.node.changes.confirm()).id == manager.version
    await manager.clock.advance("1h")
    assert host.commands() == RUNS["second"]


async def test_time_does_not_run_out_while_it_is_confirmed(
    host: PlayedHost, manager: PlayedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the store takes long; where it refuses the time goes on."""
    before = manager.version
    await manager.apply(SECOND, confirm=1 * MINUTES)
    put = manager.node.storage.put_change

    async def slow(text: str) -> None:
        await asyncio.sleep(90)
        await put(text)

    monkeypatch.setattr(manager.node.storage, "put_change", slow)
    host.store.refuses = lambda _: True
    task = asyncio.ensure_future(manager.node.changes.confirm())
    await manager.clock.advance("91s")
    with pytest.raises(StoreError):
        await task
    host.store.refuses = lambda _: False
    monkeypatch.setattr(manager.node.storage, "put_change", put)
    await manager.clock.advance("2m")
    assert manager.version == before
    await manager.apply(SECOND, confirm=1 * MINUTES)
    monkeypatch.setattr(manager.node.storage, "put_change", slow)
    await manager.clock.advance("10s")
    task = asyncio.ensure_future(manager.node.changes.confirm())
    await manager.clock.advance("91s")
    assert (await task).id == manager.version != before
    await manager.clock.advance("1h")
    assert host.commands() == RUNS["second"]


async def test_another_owner_is_another_version(host: PlayedHost, manager: PlayedManager) -> None:
    """In root's node it decides who services run as: provisional as any other, and a way back leads to it."""
    before = manager.version
    host.owner = 1001
    await manager.apply(FIRST, confirm=2 * MINUTES)
    assert manager.version != before
    await manager.clock.advance("3m")
    assert manager.version == before
    assert len(await manager.node.changes.versions()) == 2


async def test_time_begins_when_it_is_in_force(host: PlayedHost, manager: PlayedManager) -> None:
    """What takes longer to get ready than it may wait is not taken back the moment that it is."""
    slow = SECOND.replace('"-v"]', '"-v"]\nready = { delay = "90s", timeout = "5m" }')
    manager.ask(slow, confirm=1 * MINUTES)
    await manager.clock.advance("120s")
    assert host.commands() == RUNS["second"]
    await manager.clock.advance("60s")
    assert host.commands()["gone"] == ["gone"]


async def test_time_runs_while_there_is_no_manager(
    clock: VirtualClock, host: PlayedHost, manager: PlayedManager
) -> None:
    """The next one counts on from where time is, and goes back at once where it is over."""
    await manager.apply(SECOND, confirm=10 * MINUTES)
    await manager.close()
    await clock.advance("8m")
    second = await PlayedManager.begun(clock, host)
    assert (host.commands(), " unless confirmed" in second.notes) == (RUNS["second"], True)
    await second.close()
    await clock.advance("1h")
    third = await PlayedManager.begun(clock, host)
    await clock.advance("10s")
    assert host.commands() == RUNS["first"]
    assert "was not confirmed in time" in third.notes
    await third.close()


@pytest.mark.parametrize("is_over", [False, True])
async def test_a_new_daemon_does_not_forget(
    clock: VirtualClock, host: PlayedHost, manager: PlayedManager, *, is_over: bool
) -> None:
    """All three were gone: what is read anew, and is the provisional version, waits on for being confirmed."""
    await manager.apply(SECOND, confirm=10 * MINUTES)
    await manager.close()
    await clock.advance("1h" if is_over else "1m")
    second = await PlayedManager.begun(clock, host, daemon="D2")
    await clock.advance("10s")
    assert host.commands() == RUNS["first" if is_over else "second"]
    await clock.advance("1h")
    assert host.commands() == RUNS["first"]
    await second.close()


async def test_what_a_new_daemon_begins_with_needs_no_confirming(
    clock: VirtualClock, host: PlayedHost, manager: PlayedManager
) -> None:
    """Where the files say something else by then."""
    await manager.apply(SECOND, confirm=10 * MINUTES)
    await manager.close()
    second = await PlayedManager.begun(clock, host, THIRD, daemon="D2")
    version = second.version
    await clock.advance("1h")
    assert (second.version, second.notes) == (version, "")
    await second.close()


async def test_a_confirmed_one_stays_for_the_next(
    clock: VirtualClock, host: PlayedHost, manager: PlayedManager
) -> None:
    """Confirmed, and the manager killed at once."""
    await manager.apply(SECOND, confirm=2 * MINUTES)
    await manager.node.changes.confirm()
    await manager.close()
    second = await PlayedManager.begun(clock, host)
    await clock.advance("1h")
    assert host.commands() == RUNS["second"]
    await second.close()


async def test_another_waits_until_it_is_confirmed(host: PlayedHost, manager: PlayedManager) -> None:
    """Refused with what to do; with --supersede it takes its place, and stays."""
    await manager.apply(SECOND, confirm=2 * MINUTES)
    with pytest.raises(NotNow, match="is not confirmed yet"):
        manager.ask(THIRD)
    assert (await manager.apply(THIRD, supersede=True)).code == 0
    await manager.clock.advance("1h")
    assert host.commands() == {"web": ["web", "-q"]}


async def test_back_is_to_what_somebody_stood_by(host: PlayedHost, manager: PlayedManager) -> None:
    """A provisional version that takes the place of another goes back to what was before both, and so does itself again."""
    before = manager.version
    await manager.apply(SECOND, confirm=2 * MINUTES)
    await manager.apply(THIRD, confirm=5 * MINUTES, supersede=True)
    assert f"goes back to {before[:7]}" in manager.notes
    await manager.apply(THIRD, confirm=10 * MINUTES, supersede=True)
    assert f"goes back to {before[:7]} in 5" in manager.notes
    await manager.clock.advance("10m")
    assert (host.commands(), manager.version) == (RUNS["first"], before)


async def test_what_fails_beside_it_changes_nothing(host: PlayedHost, manager: PlayedManager) -> None:
    """A superseding change that is rolled back, or refused, leaves the time as it was."""
    before = manager.version
    await manager.apply(SECOND, confirm=2 * MINUTES)
    host.bad.add("-q")
    assert (await manager.apply(THIRD, supersede=True)).state == "rolled back"
    assert (await manager.apply("[x", supersede=True)).state == "refused"
    await manager.clock.advance("2m")
    assert manager.version == before


async def test_going_back_waits_for_what_is_under_way(host: PlayedHost, manager: PlayedManager) -> None:
    """A change that is being made when time is over: the node goes back once it has ended badly."""
    before = manager.version
    await manager.apply(SECOND, confirm=1 * MINUTES)
    slow = THIRD.replace('"-q"]', '"-q"]\nready = { delay = "2m", timeout = "5m" }')
    operation = manager.ask(slow, supersede=True)
    await manager.clock.advance("1m")
    assert operation.end is None
    host.bad.add("-q")
    host.end("web", code=1)
    await manager.clock.advance("10m")
    assert operation.end is not None
    assert manager.version == before


async def test_going_back_is_tried_again(host: PlayedHost, manager: PlayedManager) -> None:
    """Where it is refused; until it succeeds."""
    before = manager.version
    host.unfit.add("gone")
    await manager.apply(SECOND, confirm=1 * MINUTES)
    await manager.clock.advance("5m")
    assert manager.version != before
    host.unfit.clear()
    await manager.clock.advance("2m")
    assert (manager.version, host.commands()) == (before, RUNS["first"])
    assert "was not confirmed in time" in manager.notes


@pytest.mark.parametrize("when", ["verifying", APPLYING, UNDOING, RETIRING])
async def test_killed(clock: VirtualClock, host: PlayedHost, manager: PlayedManager, when: str) -> None:
    """The next manager makes it the version that the phase says, and `status` tells; one that only verified left nothing."""
    socket = '[socket.new]\nlisten = "127.0.0.1:8001"\n'
    text = socket + SECOND
    match when:
        case "verifying":
            host.held.add("verify")
        case "applying":
            text = text.replace('"-v"]', '"-v"]\nready = { delay = "1m" }')
        case "undoing":
            host.bad.add("-v")
            host.held.add("close_socket new")
        case _:
            host.stubborn.add("gone")
    operation = manager.ask(text)
    await clock.advance("3s")
    assert operation.end is None
    await manager.close()
    host.held.clear()
    host.bad.clear()
    host.stubborn.clear()
    after = await PlayedManager.begun(clock, host)
    await clock.advance("30s")
    name = "second" if when == RETIRING else "first"
    assert host.commands() == RUNS[name]
    assert host.sockets == ({"new=127.0.0.1:8001": True} if when == RETIRING else {})
    version = after.version[:7]
    assert after.notes == {
        "verifying": "",
        RETIRING: f"#2 was interrupted when {version} was in force already: it stays",
    }.get(when, f"#2 was interrupted: the node went back to {version}")
    assert (await after.apply(SECOND)).code == 0
    assert after.notes == ""
    await after.close()
