"""What is to be stored, in batches."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.event.fact import Event
from snowfox.errors import StoreError
from snowfox.manager.alarm import Alarm, Alarms
from snowfox.manager.journal import keeper as keeping
from snowfox.manager.journal.keeper import Batch, Keeper
from snowfox.service.fact import PhaseFact
from snowfox.service.status import Status
from snowfox.testing.manager import until


class Store:
    """Takes batches; refuses while it is full."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.is_full = False
        self.keeper = Keeper(self.write, Alarms(SystemClock(), asyncio.get_running_loop()))

    async def write(self, batch: Batch) -> None:
        """Refuses while it is full."""
        await asyncio.sleep(0)
        if self.is_full:
            msg = "cannot write the store: no space left"
            raise StoreError(msg)
        self.batches.append(batch)


@pytest.fixture
async def store() -> Store:
    """An open one."""
    return Store()


def status(state: str) -> Status:
    """A status in this state."""
    return Status("web", "web", state, "green", 0.0)


def happened(number: int) -> Event[PhaseFact]:
    """An event with this id."""
    return Event(str(number), "node.phase", "node", 0, "", "", PhaseFact("up"))


async def test_only_the_last_status_is_stored(store: Store) -> None:
    """Ten changes of an instance in one batch are one row."""
    for number in range(10):
        store.keeper.remember(status(f"state {number}"))
    assert await store.keeper.flush()
    assert [batch.statuses for batch in store.batches] == [{"web": status("state 9")}]


async def test_it_is_stored_without_being_asked(store: Store) -> None:
    """A change is stored soon after, and then there is nothing under way."""
    store.keeper.want("web", "stopped")
    await until(lambda: bool(store.batches), "a batch")
    assert store.batches[0].wanted == {"web": "stopped"}


async def test_what_is_told_only_once_is_stored_at_once(store: Store) -> None:
    """Without the wait for others; while the store is at work, right after that, and together."""
    store.keeper.remember(status("ready"))
    store.keeper.hurry()
    await turns()
    assert [batch.statuses["web"].state for batch in store.batches] == ["ready"]
    for state in ("a", "b", "c"):
        store.keeper.remember(status(state))
        store.keeper.hurry()
        await asyncio.sleep(0)
    await turns()
    assert [batch.statuses["web"].state for batch in store.batches] == ["ready", "a", "c"]
    store.keeper.hurry()
    await turns()
    assert len(store.batches) == 3


async def test_a_store_that_refuses_is_not_hurried(store: Store) -> None:
    """It is tried again in its time, however much is said meanwhile."""
    store.is_full = True
    store.keeper.remember(status("ready"))
    await store.keeper.flush()
    store.is_full = False
    store.keeper.hurry()
    await turns()
    assert store.batches == []


async def turns() -> None:
    """Let the loop turn, without time going by."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_depends_on_it_happens_after(store: Store) -> None:
    """`after_stored` is called once the facts before it are stored, not earlier."""
    seen: list[int] = []
    store.keeper.fact(happened(1))
    store.keeper.after_stored(lambda: seen.append(len(store.batches)))
    assert seen == []
    await store.keeper.flush()
    assert seen == [1]


class Turns(Alarms):
    """Alarms that ring when the test says so."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), asyncio.get_running_loop())
        self.waiting: list[Callable[[], None]] = []

    def set(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Kept."""
        self.waiting.append(callback)
        return Alarm(callback)

    async def ring(self) -> None:
        """The one that was set last is due."""
        self.waiting.pop()()
        for _ in range(3):
            await asyncio.sleep(0)


async def test_a_rush_is_stored_at_its_end(store: Store) -> None:
    """As long as facts come they wait, but not for ever; without another one they are stored at the first look."""
    alarms = Turns()
    keeper = Keeper(store.write, alarms)
    keeper.fact(happened(0))
    await alarms.ring()
    assert len(store.batches) == 1
    keeper.fact(happened(1))
    keeper.fact(happened(2))
    await alarms.ring()
    assert len(store.batches) == 1
    await alarms.ring()
    assert [event.id for event in store.batches[1].facts] == ["1", "2"]
    looks = 0
    while len(store.batches) == 2:
        keeper.fact(happened(looks))
        keeper.remember(status(f"state {looks}"))
        await alarms.ring()
        looks += 1
    assert looks == 11
    assert (len(store.batches[2].facts), store.batches[2].statuses) == (11, {"web": status("state 10")})
    assert alarms.waiting == []


async def test_a_rush_holds_up_nothing_that_is_waited_for(store: Store) -> None:
    """What a person asked for, an operation's end and what comes after an exit are stored at the first look."""
    alarms = Turns()
    keeper = Keeper(store.write, alarms)
    seen: list[str] = []
    operation: Any = SimpleNamespace(id="O")
    for number, urgent in enumerate(
        (
            lambda: keeper.want("web", "stopped"),
            lambda: keeper.operation(operation),
            lambda: keeper.after_stored(lambda: seen.append("after")),
        )
    ):
        keeper.fact(happened(1))
        urgent()
        keeper.fact(happened(2))
        await alarms.ring()
        assert len(store.batches) == number + 1
    assert seen == ["after"]


async def test_a_full_disk_loses_nothing_that_fits(store: Store) -> None:
    """While the store refuses nothing that depends on it happens; afterwards all is stored in order."""
    seen: list[str] = []
    store.is_full = True
    store.keeper.fact(happened(1))
    store.keeper.remember(status("old"))
    store.keeper.after_stored(lambda: seen.append("first"))
    assert not await store.keeper.flush()
    assert "no space" in store.keeper.problem
    store.keeper.fact(happened(2))
    store.keeper.remember(status("new"))
    store.keeper.after_stored(lambda: seen.append("second"))
    assert seen == []
    store.is_full = False
    assert await store.keeper.flush()
    assert [event.id for event in store.batches[0].facts] == ["1", "2"]
    assert store.batches[0].statuses == {"web": status("new")}
    assert seen == ["first", "second"]
    assert store.keeper.problem == ""


async def test_facts_that_cannot_be_stored_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are dropped and counted."""
    monkeypatch.setattr(keeping, "MOST_FACTS", 3)
    store.is_full = True
    for number in range(5):
        store.keeper.fact(happened(number))
    await store.keeper.flush()
    store.is_full = False
    await store.keeper.flush()
    assert [event.id for event in store.batches[0].facts] == ["2", "3", "4"]
    assert store.keeper.dropped == 2
