"""Whether the files are those in force: looked at now and then, and hardly waited for."""

import asyncio

from snowfox.core.config.source import File, Sources
from snowfox.manager.freshness import EVERY, PATIENCE, Freshness
from snowfox.testing.clock import VirtualClock

ONE = Sources("/srv", (File("snowfox.toml", "1", 0),))
OTHER = Sources("/srv", (File("snowfox.toml", "2", 0),))


class Look:
    """Takes so long, and finds that these differ."""

    def __init__(self, clock: VirtualClock, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.looks = 0
        self.stale = {id(ONE)}
        self.fresh = Freshness(clock, self.differs)

    async def differs(self, sources: Sources) -> bool:
        """After a while."""
        self.looks += 1
        await asyncio.sleep(self.seconds)
        return id(sources) in self.stale


async def test_a_quick_look_is_waited_for(clock: VirtualClock) -> None:
    """By all who ask meanwhile, and there is one a second."""
    look = Look(clock, PATIENCE / 2)
    asked = [asyncio.ensure_future(look.fresh.is_stale(ONE)) for _ in range(3)]
    await clock.advance(PATIENCE / 2)
    assert [one.result() for one in asked] == [True] * 3
    assert await look.fresh.is_stale(ONE)
    assert look.looks == 1
    look.stale.clear()
    await clock.advance(EVERY)
    asked = [asyncio.ensure_future(look.fresh.is_stale(ONE))]
    await clock.advance(PATIENCE)
    assert (asked[0].result(), look.looks) == (False, 2)


async def test_a_slow_look_delays_nobody(clock: VirtualClock) -> None:
    """But the first, and that one hardly; it is not begun again, and what it finds is told once it is known."""
    look = Look(clock, 30.0)
    asked = asyncio.ensure_future(look.fresh.is_stale(ONE))
    await clock.advance(PATIENCE)
    assert not asked.result()
    for _ in range(10):
        await clock.advance("2s")
        assert not await look.fresh.is_stale(ONE)
    await clock.advance("10s")
    assert look.looks == 1
    asked = asyncio.ensure_future(look.fresh.is_stale(ONE))
    await clock.advance(PATIENCE)
    assert asked.result()


async def test_what_was_found_of_others_says_nothing(clock: VirtualClock) -> None:
    """Once another version is in force, at once and when a look at the one before ends late."""
    look = Look(clock)
    assert await look.fresh.is_stale(ONE)
    assert not await look.fresh.is_stale(OTHER)
    assert await look.fresh.is_stale(ONE)
    look.seconds = 5.0
    await clock.advance(EVERY)
    late = asyncio.ensure_future(look.fresh.is_stale(ONE))
    await clock.advance(PATIENCE)
    assert late.result()
    assert not await look.fresh.is_stale(OTHER)
    await clock.advance("10s")
    look.seconds = 0.0
    assert not await look.fresh.is_stale(OTHER)
