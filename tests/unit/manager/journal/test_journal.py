"""The journal: kept facts to the store, all of them to readers."""

import asyncio
from typing import Any

import pytest

from snowfox.contract.manager import EventLine
from snowfox.core.clock import SystemClock
from snowfox.core.event.bus import Bus
from snowfox.core.event.fact import Event
from snowfox.core.ids import Ids, KernelRandom
from snowfox.errors import PeerError
from snowfox.manager.journal import journal as journals
from snowfox.manager.journal.journal import Journal, line
from snowfox.service.fact import PhaseFact, ProbeFailedFact


class World:
    """A journal over a list."""

    def __init__(self) -> None:
        clock = SystemClock()
        self.bus = Bus(clock, Ids(clock, KernelRandom()))
        self.kept: list[Event[Any]] = []
        self.journal = Journal(self.bus, keep=self.kept.append, last=self.last)

    async def last(self, count: int) -> list[EventLine]:
        """The newest that were kept."""
        return [line(event) for event in self.kept[-count:]]


@pytest.fixture
async def world() -> World:
    """One for each test."""
    return World()


async def test_only_kept_facts_are_stored(world: World) -> None:
    """A probe's failure is told and not kept, a phase is."""
    world.bus.emit(ProbeFailedFact("refused"), subject="web")
    world.bus.emit(PhaseFact("up"), subject="node")
    assert [event.kind for event in world.kept] == ["node.phase"]


async def test_the_last_ones_then_what_comes_each_once(world: World) -> None:
    """Following begins exactly where the journal's end was."""
    for phase in ("starting", "up"):
        world.bus.emit(PhaseFact(phase), subject="node")
    lines = world.journal.lines(1, follow=True)
    assert (await anext(lines)).fact == '{"phase":"up"}'
    world.bus.emit(ProbeFailedFact("refused"), subject="web")
    assert (await anext(lines)).kind == "service.probe-failed"
    await lines.aclose()  # type: ignore[attr-defined]
    assert world.journal._readers == []


async def test_without_follow_it_ends(world: World) -> None:
    """The last lines, oldest first, and no reader stays."""
    for phase in ("starting", "up", "stopping"):
        world.bus.emit(PhaseFact(phase), subject="node")
    facts = [one.fact async for one in world.journal.lines(2, follow=False)]
    assert facts == ['{"phase":"up"}', '{"phase":"stopping"}']


async def test_a_slow_reader_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many waiting events end the reading with a reason."""
    monkeypatch.setattr(journals, "MOST_WAITING", 5)
    lines = world.journal.lines(0, follow=True)
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    for _ in range(10):
        world.bus.emit(PhaseFact("up"), subject="node")
    with pytest.raises(PeerError, match="too slow"):
        await first
