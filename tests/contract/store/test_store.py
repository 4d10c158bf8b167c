"""What every store does."""

import pytest

from snowfox.core.store.api import FactRow, Limits, Operation, Query, Version
from snowfox.core.store.memory import MemoryStore
from snowfox.core.store.sqlite import SqliteStore
from snowfox.errors import StoreError


@pytest.fixture(params=["memory", "sqlite"])
def make(request, tmp_path):
    """Makes a store that is not open; stores of one test are the same store."""
    kept = []

    def maker(**limits):
        if request.param == "sqlite":
            return SqliteStore(str(tmp_path / "state.db"), Limits(**limits))
        if not kept:
            kept.append(MemoryStore(Limits(**limits)))
        return kept[0]

    return maker


@pytest.fixture
async def store(make):
    """An open store."""
    async with make() as store:
        yield store


def operation(number, end=0, state="running"):
    """An operation with this number."""
    return Operation(f"op{number:04}", number, "restart", "uid 0", 1000 + number, end, state, '{"a": "é"}')


def fact(number, subject="web@1", trace="t1"):
    """A fact, later with a higher number."""
    return FactRow(f"id{number:06}", 1000 + number, "service.started", subject, trace, "", '{"pid": 7}')


async def test_empty(store):
    """A new store has nothing, and says so without error."""
    assert await store.versions() == []
    assert await store.version("x") is None
    assert await store.wanted() == {}
    assert await store.statuses() == {}
    assert await store.operations() == []
    assert await store.operation("x") is None
    assert await store.operation(1) is None
    assert await store.last_number() == 0
    assert await store.facts(Query()) == []
    assert store.health() == ("", 0, 0)


async def test_versions(store):
    """Versions keep their bytes, come by time and without them, and one put again takes its new time."""
    async with store.transaction() as change:
        change.put_version(Version("b", 2, "snowfox.toml", b"\x00\xff"))
        change.put_version(Version("a", 1, "snowfox.toml", b""))
        change.put_version(Version("c", 3, "Procfile", b"web: x"))
    assert [version.id for version in await store.versions()] == ["a", "b", "c"]
    assert [version.id for version in await store.versions(2)] == ["b", "c"]
    assert await store.version("b") == Version("b", 2, "snowfox.toml", b"\x00\xff")
    whole = Version("d", 4, "main", b"x", "c" * 40, "anna", 17)
    async with store.transaction() as change:
        change.put_version(whole)
    assert await store.version("d") == whole
    assert (await store.versions())[-1] == whole._replace(content=b"")
    async with store.transaction() as change:
        change.put_version(Version("a", 9, "snowfox.toml", b""))
    assert [version.id for version in await store.versions()] == ["b", "c", "d", "a"]


async def test_wanted_and_statuses(store):
    """Texts by name: put, replaced, dropped; dropping what is not there is fine; the two do not mix."""
    async with store.transaction() as change:
        change.put_wanted("web", "stopped")
        change.put_wanted("db", "stopped")
        change.put_status("web", "{}")
        change.drop_wanted("never")
    async with store.transaction() as change:
        change.put_wanted("web", "started")
        change.drop_wanted("db")
        change.drop_status("nobody")
    assert await store.wanted() == {"web": "started"}
    assert await store.statuses() == {"web": "{}"}
    async with store.transaction() as change:
        change.drop_status("web")
    assert await store.statuses() == {}


async def test_operations(store):
    """Operations come by number, are found by id and number, and change as one whole."""
    async with store.transaction() as change:
        for number in (3, 1, 2):
            change.put_operation(operation(number))
    async with store.transaction() as change:
        change.put_operation(operation(2, end=5000, state="done"))
    assert [one.number for one in await store.operations()] == [1, 2, 3]
    assert [one.number for one in await store.operations(2)] == [2, 3]
    assert [one.number for one in await store.operations(unfinished=True)] == [1, 3]
    assert await store.operation(2) == operation(2, end=5000, state="done")
    assert await store.operation("op0003") == operation(3)
    assert await store.last_number() == 3


async def test_facts_by_time_subject_trace(store):
    """Facts are found by time, subject and trace, all conditions at once, oldest first."""
    for number in range(10):
        store.append(fact(number, subject=f"web@{number % 2}", trace=f"t{number % 3}"))

    async def numbers(**query):
        return [int(row.id[2:]) for row in await store.facts(Query(**query))]

    assert await numbers() == list(range(10))
    assert await numbers(since=1003, until=1006) == [3, 4, 5]
    assert await numbers(subject="web@1") == [1, 3, 5, 7, 9]
    assert await numbers(trace="t0") == [0, 3, 6, 9]
    assert await numbers(subject="web@1", trace="t0", since=1004) == [9]
    assert await numbers(kind=fact(0).kind, last=2) == [8, 9]
    assert await numbers(kind="another") == []
    assert await numbers(subject="nobody") == []


async def test_facts_page_back(store):
    """The last N come, and the N before an id: paging back reaches all, each once."""
    rows = [fact(number) for number in range(10)]
    for row in rows:
        store.append(row)
    pages, before = [], None
    while page := await store.facts(Query(last=4, before=before)):
        pages.insert(0, page)
        before = page[0].id
    assert [len(page) for page in pages] == [2, 4, 4]
    assert [row for page in pages for row in page] == rows
    assert await store.facts(Query(last=0)) == []


async def test_fact_put_twice_is_one(store):
    """A fact that is written again, by either way, is there once and unchanged."""
    store.append(fact(1))
    await store.flush()
    store.append(fact(1)._replace(subject="other"))
    async with store.transaction() as change:
        change.put_fact(fact(1)._replace(subject="third"))
        change.put_fact(fact(2))
    assert await store.facts(Query()) == [fact(1), fact(2)]


async def test_transaction_over_several_tables(store):
    """Everything of a block is there afterwards, and nothing when the block raises."""
    async with store.transaction() as change:
        change.put_wanted("web", "stopped")
        change.put_operation(operation(1))
        change.put_fact(fact(1))
    with pytest.raises(KeyError):
        async with store.transaction() as change:
            change.put_wanted("web", "started")
            change.put_operation(operation(2))
            change.put_fact(fact(2))
            raise KeyError
    assert await store.wanted() == {"web": "stopped"}
    assert [one.number for one in await store.operations()] == [1]
    assert await store.facts(Query()) == [fact(1)]


async def test_read_gives_copies(store):
    """What a reader does with its answer changes nothing in the store."""
    async with store.transaction() as change:
        change.put_wanted("web", "stopped")
    (await store.wanted()).clear()
    assert await store.wanted() == {"web": "stopped"}


async def test_journal_is_bounded(make):
    """The oldest facts beyond the limit go."""
    async with make(facts=50) as store:
        for number in range(3000):
            store.append(fact(number))
            if number % 100 == 0:
                await store.flush()
        await store.flush()
        left = await store.facts(Query(last=10_000))
    assert left[-1] == fact(2999)
    assert 50 <= len(left) <= 1100


async def test_others_are_bounded(make):
    """Old versions and ended operations beyond their limits go; operations under way stay."""
    async with make(operations=3, versions=2) as store:
        for number in range(1, 1100):
            async with store.transaction() as change:
                change.put_operation(operation(number, end=0 if number == 1 else 5))
                change.put_version(Version(str(number), number, "f", b""))
        left = await store.operations(10_000)
        assert (left[0].number, left[-1].number) == (1, 1099)
        assert len(left) <= 600
        assert [version.id for version in await store.versions(10_000)] == ["1098", "1099"], (
            "at once: they may be large"
        )


async def test_kept_over_close(make):
    """What was written is there after close and open, appended facts included."""
    async with make() as store:
        async with store.transaction() as change:
            change.put_wanted("web", "stopped")
        store.append(fact(1))
    async with make() as store:
        assert await store.wanted() == {"web": "stopped"}
        assert await store.facts(Query()) == [fact(1)]


async def test_closed_store_refuses(make):
    """Before open and after close every call says that it is not open; closing twice is fine."""
    store = make()
    with pytest.raises(StoreError, match="not open"):
        await store.wanted()
    await store.open()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="not open"):
        async with store.transaction() as change:
            change.put_wanted("web", "stopped")
