"""Static and dynamic context."""

import asyncio

import pytest

from snowfox.core import log
from snowfox.core.context import DynamicContext, Key, StaticContext, within
from snowfox.core.ids import Ids
from snowfox.core.store.memory import MemoryStore
from snowfox.errors import ContextNotSet, InternalError, NotFound
from snowfox.testing.clock import VirtualClock

POOL = Key[list[int]]("pool")
NAME = Key[str]("name")


@pytest.fixture(autouse=True)
def clean():
    """Leave no context behind."""
    yield
    StaticContext.uninstall()
    DynamicContext.uninstall()


def static():
    """A static context."""
    clock = VirtualClock()
    return StaticContext(None, clock, Ids(clock), MemoryStore())


@pytest.mark.goal
def test_used_before_set():
    """Both raise ContextNotSet before they were set, naming which."""
    with pytest.raises(ContextNotSet, match="StaticContext"):
        StaticContext.instance()
    with pytest.raises(ContextNotSet, match="DynamicContext"):
        DynamicContext.instance()


def test_static_is_frozen():
    """Nothing of a static context changes after boot."""
    context = static()
    context.install()
    assert StaticContext.instance() is context
    with pytest.raises(AttributeError):
        context.clock = None


@pytest.mark.goal
async def test_two_processes_in_one_thread():
    """Tasks under different contexts see their own; others see the process-wide default."""
    default, one, two = (DynamicContext(name, {}) for name in ("default", "one", "two"))
    default.install()

    async def look():
        await asyncio.sleep(0)
        return DynamicContext.instance().version

    with within(one):
        first = asyncio.create_task(look())
    with within(two):
        second = asyncio.create_task(look())
    assert [await first, await second, await look()] == ["one", "two", "default"]


def test_resources_by_typed_key():
    """A resource is found by key and name; one that there is not is NotFound; keys of one name are two."""
    context = DynamicContext("v1", {(POOL, "shop"): [1], (POOL, "web"): [2], (NAME, "shop"): "x"})
    assert context[POOL, "shop"] == [1]
    assert context[NAME, "shop"] == "x"
    assert context.names(POOL) == ["shop", "web"]
    assert (POOL, "shop") in context
    assert (Key("pool"), "shop") not in context
    with pytest.raises(NotFound, match="no pool gone in configuration v1"):
        context[POOL, "gone"]


@pytest.mark.goal
def test_released_after_the_last_pin():
    """Two are alive at once; the old one is released when its last pin goes, in reverse order."""
    released = []
    old = DynamicContext("v1", {(POOL, "a"): [1]})
    old.on_release("first", lambda: released.append("first"))
    old.on_release("second", lambda: released.append("second"))
    old.install()
    with DynamicContext.instance().pinned() as pinned, old.pinned():
        new = DynamicContext("v2", {(POOL, "a"): [2]})
        assert new.install() is old
        assert DynamicContext.instance()[POOL, "a"] == [2]
        assert pinned[POOL, "a"] == [1]
        assert released == []
    assert released == ["second", "first"]
    assert old.is_released
    assert not new.is_released
    with pytest.raises(InternalError, match="was released"):
        old[POOL, "a"]
    with pytest.raises(InternalError, match="was released"):
        old.pin()
    with pytest.raises(InternalError, match="was retired"):
        old.install()


def test_unpinned_is_released_at_once():
    """Without pins the old one is released when another takes its place, and only once."""
    released = []
    old = DynamicContext("v1", {})
    old.on_release("x", lambda: released.append("x"))
    old.install()
    DynamicContext("v2", {}).install()
    old.retire()
    assert released == ["x"]


def test_failing_release_stops_no_other():
    """What raises in release is logged, the rest is given back all the same."""
    records, released = [], []
    before = log.set_sink(records.append)
    context = DynamicContext("v1", {})
    context.on_release("good", lambda: released.append("good"))
    context.on_release("bad", lambda: 1 / 0)
    context.retire()
    log.set_sink(before)
    assert released == ["good"]
    assert records[0].fields["what"] == "bad"


def test_unpin_without_pin():
    """One unpin too many is our mistake."""
    with pytest.raises(InternalError, match="not pinned"):
        DynamicContext("v1", {}).unpin()


@pytest.mark.goal
def test_no_state_on_the_classes():
    """The classes themselves hold nothing that changes."""
    before = dict(vars(StaticContext)), dict(vars(DynamicContext))
    static().install()
    DynamicContext("v1", {}).install()
    assert (dict(vars(StaticContext)), dict(vars(DynamicContext))) == before
