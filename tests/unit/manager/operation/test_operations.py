"""Operations: numbered, stepped, followed by any number of readers."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

from snowfox.contract.manager import Progress
from snowfox.core.clock import SystemClock
from snowfox.core.ids import Ids, KernelRandom
from snowfox.manager.alarm import Alarms
from snowfox.manager.operation.operation import Operation, Verdict
from snowfox.manager.operation.operations import MOST_KEPT, Operations
from snowfox.service.effects import Stepped
from snowfox.service.status import Status
from snowfox.testing.manager import until


def operations() -> tuple[Operations, list[tuple[str, bool]]]:
    """Operations, and what they have kept."""
    clock = SystemClock()
    kept: list[tuple[str, bool]] = []
    alarms = Alarms(clock, asyncio.get_running_loop())
    some = Operations(
        clock,
        Ids(clock, KernelRandom()),
        alarms=alarms,
        keep=lambda operation: kept.append((operation.verb, operation.end is not None)),
        last=41,
    )
    return some, kept


async def steps(operation: Operation) -> list[Progress]:
    """All of its steps."""
    return [step async for step in operation.follow()]


async def test_every_reader_gets_every_step_and_the_end() -> None:
    """One reads along, one comes when it is over: both see the same."""
    some, kept = operations()
    operation = some.open("restart", "uid 0", ("web@1",))
    early = asyncio.ensure_future(steps(operation))
    await asyncio.sleep(0)
    some.step(Stepped(operation.id, "web@1", "ready", "", is_well=True))
    await asyncio.sleep(0)
    some.end(operation.id, "done", "restarted 1 instance", 0)
    late = await steps(operation)
    assert await early == late
    assert [(step.instance, step.state, step.last) for step in late] == [
        ("web@1", "ready", False),
        ("", "done", True),
    ]
    assert operation.number == 42
    assert kept == [("restart", False), ("restart", True)]


async def test_readers_are_woken_at_a_bounded_rate() -> None:
    """The first step comes at once, those of a rush together after a pause, the end at once."""
    some, _ = operations()
    operation = some.open("up", "uid 0", ("a", "b", "c", "d"))
    seen: list[str] = []

    async def read() -> None:
        async for step in operation.follow():
            seen.append(step.instance)  # noqa: PERF401 - looked at while it goes on

    reader = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    for instance in ("a", "b", "c"):
        some.step(Stepped(operation.id, instance, "ready", "", is_well=True))
        for _ in range(3):
            await asyncio.sleep(0)
    assert seen == ["a"]
    await until(lambda: len(seen) == 3, "the rush")
    some.step(Stepped(operation.id, "d", "ready", "", is_well=True))
    some.end(operation.id, "done", "", 0)
    for _ in range(3):
        await asyncio.sleep(0)
    assert seen == ["a", "b", "c", "d", ""]
    await reader


async def test_nothing_comes_after_the_end() -> None:
    """A late step, and a second end, change nothing."""
    some, kept = operations()
    operation = some.open("stop", "uid 0", ("web",))
    some.end(operation.id, "failed", "no", 1)
    some.step(Stepped(operation.id, "web", "ready", "", is_well=True))
    some.end(operation.id, "done", "yes", 0)
    assert [step.state for step in await steps(operation)] == ["failed"]
    assert len(kept) == 2


async def test_an_instance_belongs_to_the_last_operation_that_named_it() -> None:
    """Traces of what it does follow that; after the end it belongs to none."""
    some, _ = operations()
    first = some.open("start", "uid 0", ("a", "b"))
    second = some.open("stop", "uid 0", ("b",))
    assert (some.of("a"), some.of("b")) == (first, second)
    some.end(second.id, "done", "", 0)
    some.end(first.id, "done", "", 0)
    assert (some.of("a"), some.of("b")) == (None, None)


async def test_a_long_one_tells_what_is_under_way() -> None:
    """At first only results come, later also what happens meanwhile."""
    some, _ = operations()
    operation = some.open("start", "uid 0", ("a",))
    some.changed(Status("a", "a", "starting", "yellow", 0.0))
    operation.is_shown_live = True
    some.changed(Status("a", "a", "starting", "yellow", 0.0, message="waits for its probe"))
    some.changed(Status("a", "a", "ready", "green", 0.0))
    some.end(operation.id, "done", "", 0)
    assert [(step.state, step.message) for step in await steps(operation)] == [
        ("starting", "waits for its probe"),
        ("done", ""),
    ]


async def test_old_ones_leave_memory() -> None:
    """Ended operations are kept up to a bound, those under way always."""
    some, _ = operations()
    running = some.open("up", "uid 0", ())
    for _ in range(MOST_KEPT * 3):
        some.end(some.open("start", "uid 0", ()).id, "done", "", 0)
    assert len(some._all) <= MOST_KEPT + 2
    assert some.latest("up") is running


async def test_who_will_not_get_there_is_told_whatever_its_state() -> None:
    """An instance that waits for something hopeless has settled, and not well."""
    some, _ = operations()
    operation = some.open("up", "uid 0", ("web",))
    some.step(Stepped(operation.id, "web", "waiting", "waits for cache, which has failed", is_well=False))
    some.end(operation.id, "failed", "web did not get ready", 1)
    assert [step.is_well for step in await steps(operation)] == [False, True]


async def test_an_end_is_well_where_its_code_is_0() -> None:
    """Of a start it is while the node stays, whatever became of its services."""
    some, _ = operations()
    found: list[tuple[str, int, bool]] = []
    for verb, code in (("apply", 0), ("apply", 1), ("apply", 3), ("restart", 1), ("up", 0), ("up", 1)):
        operation = some.open(verb, "uid 0", ())
        some.end(operation.id, "some", "", code)
        (end,) = await steps(operation)
        found.append((verb, code, end.is_well))
    assert [(verb, code) for verb, code, is_well in found if is_well] == [("apply", 0), ("up", 0), ("up", 1)]


async def test_what_is_under_way_is_told_once_it_takes_long() -> None:
    """Also where nothing changes any more: who reads the progress sees what it waits for."""
    alarms: list[Callable[[], None]] = []
    clock = SystemClock()
    statuses = {
        "a": Status("a", "a", "stopping", "yellow", 0.0, message="TERM sent, kill in 9 s"),
        "b": Status("b", "b", "stopped", "green", 0.0),
        "c": Status("c", "c", "starting", "yellow", 0.0),
    }
    some = Operations(
        clock,
        Ids(clock, KernelRandom()),
        alarms=SimpleNamespace(set=lambda _, callback: alarms.append(callback)),  # type: ignore[arg-type]
        keep=lambda _: None,
        now=statuses.get,
    )
    operation = some.open("stop", "uid 0", ("a", "b", "c", "gone"))
    some.open("start", "uid 0", ("c",))
    alarms[0]()
    some.end(operation.id, "done", "", 0)
    assert [(step.instance, step.message) for step in await steps(operation)] == [
        ("a", "TERM sent, kill in 9 s"),
        ("", ""),
    ]


async def test_a_verdict_comes_before_what_becomes_of_instances() -> None:
    """It is what the operation ends with; where its instances did not get there, that is told beside."""
    some, _ = operations()
    for code, lines in ((0, ["a"]), (1, ["a", "web failed"])):
        operation = some.open("up", "uid 0", ("web",))
        operation.verdict = Verdict("refused", "another runs", 3, ("a",))
        some.end(operation.id, "failed" if code else "done", "web failed" if code else "", code)
        (end,) = await steps(operation)
        assert (end.state, end.message, end.code, end.details, end.is_well) == (
            "refused",
            "another runs",
            3,
            lines,
            True,
        )
