"""A change carried out: journalled before and after each step, undone in reverse, and never half made."""

import json
from collections.abc import Sequence

import pytest

from snowfox.core.store.api import Query, Write
from snowfox.errors import PosixError
from snowfox.testing.changing import VERIFICATION, PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock

FIRST = """
[socket.front]
listen = "127.0.0.1:8001"
[socket.old]
listen = "127.0.0.1:8002"

[service.web]
command = ["web"]
sockets = ["front"]
[service.gone]
command = ["gone"]
sockets = ["old"]
"""
SECOND = """
[socket.front]
listen = "127.0.0.1:8001"
[socket.a]
listen = "127.0.0.1:8003"
[socket.b]
listen = "127.0.0.1:8004"

[service.web]
command = ["web", "-v"]
sockets = ["front"]
[service.new]
command = ["new"]
sockets = ["a", "b"]
"""
WORLDS = {
    "first": ({"front", "old"}, {"web": ["web"], "gone": ["gone"]}),
    "second": ({"front", "a", "b"}, {"web": ["web", "-v"], "new": ["new"]}),
}
REFUSED = PosixError("listen", "127.0.0.1:8004", 12)


def world(host: PlayedHost) -> str:
    """Which of the two there is, whole; else what there is."""
    assert all(host.sockets.values()), "a socket that does not listen"
    there = ({key.partition("=")[0] for key in host.sockets}, host.commands())
    return next((name for name, one in WORLDS.items() if one == there), str(there))


async def stored(host: PlayedHost) -> list[str]:
    """Steps in the journal, but their verification."""
    rows = [json.loads(row.fact) for row in await host.store.facts(Query()) if row.kind == "change.step"]
    return [f"{row['resource']}: {row['what']}" for row in rows if row["what"] not in VERIFICATION]


async def phase(host: PlayedHost) -> str:
    """Of the change in the store."""
    change = json.loads((await host.store.statuses()).get("~change", "[null]"))[0]
    return change[-1] if change else ""


async def test_before_and_after(host: PlayedHost, manager: PlayedManager) -> None:
    """What is about to be done is stored before it is asked for, that it is done before the next begins."""
    host.held |= {"open_socket a", "open_socket b", "close_socket old"}
    operation = manager.ask(SECOND)
    await manager.clock.advance("1s")
    assert (await phase(host), await stored(host)) == ("applying", ["socket a: begins"])
    await host.release("open_socket a")
    await manager.clock.advance("1s")
    done = ["socket a: begins", "socket a: done", "socket b: begins"]
    assert await stored(host) == done
    await host.release("open_socket b")
    await manager.clock.advance("20s")
    done += ["socket b: done", *(f"service {one}: begins" for one in ("web", "new", "gone"))]
    done += [f"service {one}: done" for one in ("web", "new", "gone")]
    assert (await phase(host), await stored(host)) == ("retiring", done)
    await host.release("close_socket old")
    assert (await manager.end(operation, "1s")).code == 0
    assert (await phase(host), world(host)) == ("", "second")


SERVICES = "service web: begins; service new: begins; service gone: begins"
UNDONE = "service gone: undone; service new: undone; service web: undone"
OPENED = "socket a: begins; socket a: done; socket b: begins; socket b: done"
CLOSED = "socket b: undone; socket a: undone"


@pytest.mark.parametrize(
    ("fails", "steps"),
    [
        ("open_socket a", "socket a: begins; socket a: failed"),
        (
            "open_socket b",
            "socket a: begins; socket a: done; socket b: begins; socket b: failed; socket a: undone",
        ),
        ("new", f"{OPENED}; {SERVICES}; service new: failed; {CLOSED}; {UNDONE}"),
        ("-v", f"{OPENED}; {SERVICES}; service web: failed; {CLOSED}; {UNDONE}"),
    ],
)
async def test_any_step_fails(host: PlayedHost, manager: PlayedManager, fails: str, steps: str) -> None:
    """All is as before, with the same processes where they had not to go; why is told and noted; the journal says how far it came."""
    before, pids = manager.version, host.pids()
    host.fails[fails] = REFUSED
    host.bad.add(fails)
    end = await manager.end(manager.ask(SECOND))
    assert (end.state, end.code, world(host), manager.version) == ("rolled back", 4, "first", before)
    assert end.message == manager.notes
    assert host.pids()["gone"] == pids["gone"]
    assert await phase(host) == ""
    assert await stored(host) == manager.steps == [*steps.split("; ")]


async def test_the_last_is_undone_first(host: PlayedHost, manager: PlayedManager) -> None:
    """Of two sockets that were opened."""
    host.bad.add("new")
    host.asked.clear()
    assert (await manager.apply(SECOND)).code == 4
    assert [one for one in host.asked if "close" in one] == ["close_socket b", "close_socket a"]


async def test_what_cannot_be_undone(host: PlayedHost, manager: PlayedManager) -> None:
    """Degraded: told apart, with what is left; the services are back all the same, and the next change can be made."""
    before = manager.version
    host.bad.add("new")
    host.fails["close_socket b"] = REFUSED
    end = await manager.apply(SECOND)
    assert (end.state, end.code, manager.version) == ("degraded", 5, before)
    assert "cannot undo socket b: " in end.message
    assert host.commands() == WORLDS["first"][1]
    assert set(host.sockets) - {"b=127.0.0.1:8004"} == {"front=127.0.0.1:8001", "old=127.0.0.1:8002"}
    host.bad.clear()
    host.fails.clear()
    assert (await manager.apply(SECOND)).code == 0
    assert world(host) == "second"


@pytest.mark.parametrize("place", ["see", "use"])
@pytest.mark.parametrize("is_for_good", [False, True])
async def test_a_mistake_of_ours(
    host: PlayedHost,
    manager: PlayedManager,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    *,
    is_for_good: bool,
) -> None:
    """Wherever it is: it goes back, or tells that it is in force, or that neither is wholly there; nothing is under way any more."""
    before, real, fails = manager.version, getattr(manager.node, place), True

    def fail(*arguments: object) -> None:
        nonlocal fails
        if fails:
            fails = is_for_good
            raise KeyError(place)
        real(*arguments)

    monkeypatch.setattr(manager.node, place, fail)
    end = await manager.apply(SECOND)
    state = "failed" if place == "use" else "degraded" if is_for_good else "rolled back"
    code = {"failed": 1, "rolled back": 4, "degraded": 5}[state]
    assert (end.state, end.code, f"failed inside: KeyError: '{place}'" in end.message) == (state, code, True)
    assert state != "rolled back" or world(host) == "first"
    assert await phase(host) == ""
    assert (manager.version == before, end.message == manager.notes) == (True, place != "use")
    monkeypatch.setattr(manager.node, place, real)
    assert (await manager.apply(SECOND)).code == 0
    assert world(host) == "second"


async def test_a_mistake_of_ours_before_anything_moves(
    host: PlayedHost, manager: PlayedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was held is given back, and `status` tells."""

    def fail(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("snowfox.manager.change.proposal.facts", fail)
    end = await manager.apply(SECOND)
    assert (end.state, end.code, end.message) == ("failed", 1, "failed inside: KeyError: 'x'")
    assert (world(host), manager.notes) == ("first", end.message)


async def test_what_cannot_be_closed(host: PlayedHost, manager: PlayedManager) -> None:
    """The other sockets are, and why it was to be is told first."""
    text = SECOND.replace(
        'listen = "127.0.0.1:8003"', 'listen = ["127.0.0.1:8003", "127.0.0.1:8005", "127.0.0.1:8006"]'
    )
    before, sockets = manager.version, dict(host.sockets)
    host.fails["open_socket b"] = PosixError("listen", "127.0.0.1:8004", 12)
    host.refuses_once["close_socket a"] = PosixError("close", "127.0.0.1:8003", 5)
    end = await manager.apply(text)
    assert (end.state, end.code, manager.version) == ("degraded", 5, before)
    assert (
        "cannot listen 127.0.0.1:8004: cannot allocate memory (ENOMEM); cannot undo socket a: " in end.message
    )
    assert set(host.sockets) - set(sockets) == {"a=127.0.0.1:8003"}


async def test_what_one_socket_leaves(host: PlayedHost, manager: PlayedManager) -> None:
    """Of several addresses the second is refused, and the first cannot be closed: both are told."""
    text = SECOND.replace('listen = "127.0.0.1:8003"', 'listen = ["127.0.0.1:8003", "127.0.0.1:8005"]')
    host.fails["open_socket a"] = PosixError("listen", "127.0.0.1:8003", 12)
    host.refuses_once["close_socket a"] = PosixError("close", "127.0.0.1:8003", 5)
    end = await manager.apply(text)
    assert (end.state, end.code) == ("degraded", 5)
    assert "cannot listen 127.0.0.1:8003: cannot allocate memory (ENOMEM); cannot close 127" in end.message
    assert "a=127.0.0.1:8005" not in host.sockets


async def test_kept_all_the_same(host: PlayedHost, manager: PlayedManager) -> None:
    """With --keep what did not get ready is in force, and the exit code says that all is not well."""
    host.bad.add("new")
    end = await manager.end(manager.ask(SECOND, keep=True))
    assert (end.state, end.code) == ("failed", 1)
    assert end.message.startswith(f"{manager.version[:7]} is in force, and new did not get ready")
    assert (await manager.node.changes.versions())[-1].id == manager.version


@pytest.mark.parametrize("is_for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("number", range(12))
async def test_a_full_disk(
    clock: VirtualClock, host: PlayedHost, manager: PlayedManager, number: int, *, is_for_good: bool
) -> None:
    """Whichever write fails: one of the versions is there whole, that which the store names, for the next manager too."""
    commits = 0

    def refuses(_: Sequence[Write]) -> bool:
        nonlocal commits
        commits += 1
        return commits > number if is_for_good else commits == number + 1

    first = manager.version
    host.store.refuses = refuses
    end = await manager.end(manager.ask(SECOND))
    name = "first" if manager.version == first else "second"
    assert world(host) == name, end
    assert (end.code == 0) is (name == "second"), end
    await manager.close()
    after = await PlayedManager.begun(clock, host)
    assert (after.version == first, world(host)) == (name == "first", name)
    assert (await after.apply(SECOND)).code == 0
    assert world(host) == "second"
    await after.close()
