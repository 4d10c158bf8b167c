"""How the manager's things are written down."""

import pytest

from snowfox.contract.manager import Progress
from snowfox.core.clock import SystemClock
from snowfox.core.event.fact import Event
from snowfox.core.store.api import Query, Version
from snowfox.core.store.memory import MemoryStore
from snowfox.manager.journal.keeper import Batch
from snowfox.manager.journal.storage import Remembered, Storage
from snowfox.manager.operation.operation import Operation
from snowfox.service.fact import PhaseFact, ServiceReady
from snowfox.service.status import Status

WEB = Status(
    "web@1", "web", "ready", "green", 12.5, pid=7, started=9, token="web@1~1", restarts=2, message="m"
)
VERSION = Version("V", 5, "main", b"content", "c" * 40, "anna", 17)


@pytest.fixture
async def store() -> MemoryStore:
    """An open one."""
    store = MemoryStore()
    await store.open()
    return store


def storage(store: MemoryStore, *, boot: str = "b1") -> Storage:
    """Over that store."""
    return Storage(store, SystemClock(), boot=boot)


async def test_a_batch_comes_back_as_it_was(store: MemoryStore) -> None:
    """Statuses with every field, wants, numbers; what was dropped is gone."""
    batch = Batch()
    batch.statuses = {"web@1": WEB, "old": WEB.replace(id="old")}
    batch.wanted = {"web@1": "stopped", "api": "started"}
    batch.operations = {"O": Operation("O", 7, verb="up", who="uid 0", at=5, began=0.0)}
    await storage(store).write(batch)
    later = Batch()
    later.statuses = {"old": None}
    later.wanted = {"api": None}
    await storage(store).write(later)
    await storage(store).use_configuration(VERSION, daemon="D")
    assert await storage(store).load() == Remembered({"web@1": "stopped"}, {"web@1": WEB}, 7, "D", "V")
    assert await storage(store).configuration("V") == b"content"
    assert await storage(store).configuration("W") is None


async def test_after_a_reboot_only_what_people_want_counts(store: MemoryStore) -> None:
    """Processes, ready states and the version of a daemon of before the boot are of no use."""
    batch = Batch()
    batch.statuses = {"web@1": WEB}
    batch.wanted = {"web@1": "stopped"}
    await storage(store).write(batch)
    await storage(store).use_configuration(VERSION, daemon="D")
    assert await storage(store, boot="b2").load() == Remembered({"web@1": "stopped"}, {}, 0, "", "")


async def test_a_status_that_cannot_be_read_is_left_out(store: MemoryStore) -> None:
    """One broken row costs itself only."""
    await storage(store).use_configuration(VERSION, daemon="D")
    async with store.transaction() as change:
        change.put_status("broken", "{")
        change.put_status("short", "[1]")
    batch = Batch()
    batch.statuses = {"web@1": WEB}
    await storage(store).write(batch)
    assert (await storage(store).load()).statuses == {"web@1": WEB}


async def test_an_operation_is_stored_with_its_end(store: MemoryStore) -> None:
    """Begin and end are one row, with the message."""
    operation = Operation("O", 7, verb="stop", who="uid 0", at=1000, began=0.0)
    operation.add(Progress("", "done", "stopped 1 instance", 250, last=True))
    batch = Batch()
    batch.operations = {"O": operation}
    await storage(store).write(batch)
    row = await store.operation(7)
    assert row is not None
    assert (row.kind, row.at, row.end, row.state) == ("stop", 1000, 1250, "done")
    assert "stopped 1 instance" in row.json


async def test_events_come_back_as_they_travel(store: MemoryStore) -> None:
    """The newest, oldest first, with their facts as JSON."""
    batch = Batch()
    batch.facts = [
        Event(f"0{number}", "node.phase", "node", number, "T", "C", PhaseFact("up")) for number in range(5)
    ]
    await storage(store).write(batch)
    lines = await storage(store).last_events(2)
    assert [(line.id, line.at, line.trace, line.cause, line.fact) for line in lines] == [
        ("03", 3, "T", "C", '{"phase":"up"}'),
        ("04", 4, "T", "C", '{"phase":"up"}'),
    ]
    assert len(await store.facts(Query())) == 5


async def test_how_long_services_took(store: MemoryStore) -> None:
    """Each by its last time, whichever of its instances that was."""
    batch = Batch()
    ready = [("web@1", 1.0), ("cache", 0.5), ("web@2", 3.0)]
    batch.facts = [
        Event(str(number), "service.ready", name, number, "T", "C", ServiceReady(7, "notified", seconds))
        for number, (name, seconds) in enumerate(ready)
    ]
    batch.facts.append(Event("9", "node.phase", "node", 9, "T", "C", PhaseFact("up")))
    await storage(store).write(batch)
    assert await storage(store).measured() == {"web": 3.0, "cache": 0.5}
