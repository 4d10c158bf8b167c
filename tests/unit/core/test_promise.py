"""Promises."""

import asyncio
import gc

import pytest

from snowfox.core import log, promise
from snowfox.core.deadline import NO_END, deadline
from snowfox.core.promise import Promise, PromiseKeeper
from snowfox.core.trace import Trace, within
from snowfox.errors import Cancelled, DeadlineExceeded, InternalError, NotFound


@pytest.fixture
def records():
    """What is logged."""
    seen = []
    before = log.set_sink(seen.append)
    yield seen
    log.set_sink(before)


def make(name="thing", when=NO_END):
    """A promise and its resolver."""
    return Promise.make(name, deadline=when)


async def test_awaited_by_several(clock):
    """All who wait get the value, those who come later too."""
    one, resolver = make()
    tasks = [asyncio.create_task(wait(one)) for _ in range(3)]
    await clock.settle()
    assert not one.is_settled
    assert resolver.resolve(7)
    assert await asyncio.gather(*tasks) == [7, 7, 7]
    assert await one == 7
    assert one.result() == 7


async def wait(one):
    """Await it in a task."""
    return await one


async def test_settled_once():
    """What comes first counts; the rest is told that it did not."""
    one, resolver = make()
    assert resolver.resolve(1)
    assert not resolver.resolve(2)
    assert not resolver.reject(KeyError())
    assert not one.cancel()
    assert await one == 1


async def test_rejected():
    """All who wait get the error."""
    one, resolver = make()
    error = NotFound("no service web")
    resolver.reject(error)
    for _ in range(2):
        with pytest.raises(NotFound) as caught:
            await one
        assert caught.value is error


async def test_value_may_be_none():
    """None is a value like any other."""
    one, resolver = make()
    resolver.resolve(None)
    assert one.is_settled
    assert await one is None


async def test_cancelling_a_wait_leaves_the_promise(clock):
    """A cancelled wait changes neither the promise nor the waits of others."""
    one, resolver = make()
    first, second = asyncio.create_task(wait(one)), asyncio.create_task(wait(one))
    await clock.settle()
    first.cancel()
    await clock.settle()
    assert first.cancelled()
    assert not one.is_settled
    resolver.resolve("x")
    assert await second == "x"


async def test_cancelled_wait_at_the_moment_of_settling(clock):
    """A wait that is cancelled in the turn in which the promise settles ends cancelled, and harms nothing."""
    one, resolver = make()
    task = asyncio.create_task(wait(one))
    await clock.settle()
    resolver.resolve(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await one == 1


async def test_cancel_is_for_all(records):
    """Cancelling the promise itself ends every wait with Cancelled, and is not logged as unseen."""
    one, resolver = make()
    assert one.cancel()
    assert not resolver.resolve(1)
    del one, resolver
    gc.collect()
    assert records == []
    two, _ = make()
    task = asyncio.create_task(wait(two))
    two.cancel()
    with pytest.raises(Cancelled):
        await task


async def test_unsettled_has_no_result():
    """Asking a pending promise for its result is our mistake."""
    one, resolver = make()
    with pytest.raises(InternalError, match="not settled"):
        one.result()
    assert one.error() is None
    resolver.resolve(1)


async def test_deadline_expires(clock):
    """A deadline rejects it at its time, at most a sweep late; resolving afterwards changes nothing."""
    one, resolver = make("answer", clock.after("10s"))
    await clock.advance(9.99)
    assert not one.is_settled
    await clock.advance(0.01 + promise.SWEEP)
    with pytest.raises(DeadlineExceeded, match="answer"):
        await one
    assert not resolver.resolve(1)


async def test_sooner_deadline_counts_although_made_later(clock):
    """A promise with a sooner deadline than all before expires in time, and the others later."""
    late, _ = make("late", clock.after("1h"))
    soon, _ = make("soon", clock.after("1s"))
    await clock.advance("1100ms")
    assert soon.is_settled
    assert not late.is_settled
    await clock.advance("1h")
    assert late.is_settled
    assert (type(soon.error()), type(late.error())) == (DeadlineExceeded, DeadlineExceeded)


async def test_timer_only_while_pending(clock):
    """One timer serves all deadlines, and none is armed once nothing is pending."""
    loop = asyncio.get_running_loop()
    pairs = [make(str(number), clock.after("1s")) for number in range(100)]
    assert len([timer for timer in loop._timers if not timer.cancelled()]) == 1
    for _, resolver in pairs:
        resolver.resolve(1)
    await clock.advance("5s")
    assert loop._next_timer() is None


async def test_deadline_is_inherited(clock):
    """Without one of its own a promise takes the place's deadline, and never a later one."""
    with deadline("5s"):
        inherited, first = Promise.make("a")
        shorter, second = make("b", clock.after("10s"))
    assert inherited.deadline == shorter.deadline == clock.now() + 5
    first.resolve(1)
    second.resolve(1)


async def test_deadline_is_needed():
    """A promise without any deadline cannot be made."""
    with pytest.raises(InternalError, match="needs a deadline"):
        Promise.make("a")


async def test_unseen_rejection_is_logged_once(records):
    """A rejection that nobody saw is logged when the promise is dropped, with its name, maker and trace."""
    with within(Trace("t", "c")):
        one, resolver = make("lost")
    resolver.reject(NotFound("gone"))
    assert records == []
    del one, resolver
    gc.collect()
    assert len(records) == 1
    assert records[0].level == "error"
    assert records[0].fields["promise"] == "lost"
    assert "make (" in records[0].fields["maker"]
    assert "test_promise.py" in records[0].fields["maker"]
    assert records[0].trace == Trace("t", "c")


@pytest.mark.parametrize("how", ["await", "error", "result"])
async def test_seen_rejection_is_not_logged(records, how):
    """Awaiting, asking for the error or the result counts as seeing it."""
    one, resolver = make()
    resolver.reject(NotFound("gone"))
    if how == "error":
        assert isinstance(one.error(), NotFound)
    else:
        with pytest.raises(NotFound):
            await one if how == "await" else one.result()
    del one, resolver
    gc.collect()
    assert records == []


async def test_keeper_finds_and_lists(clock):
    """A pending promise is found by its id and listed with what it knows; a settled one is not."""
    keeper = PromiseKeeper.instance()
    with within(Trace("t", "c")):
        one, resolver = make("first", clock.after("10s"))
    other, last = make("second")
    assert keeper.find(one.id) is one
    assert len(keeper) == 2
    listed = keeper.pending()
    assert [entry.name for entry in listed] == ["first", "second"]
    assert listed[0].remaining == 10
    assert listed[0].age == 0
    assert listed[0].trace == Trace("t", "c")
    assert "test_promise.py" in listed[0].maker
    assert listed[1].remaining == NO_END
    assert [entry.name for entry in keeper.pending(most=1)] == ["first"]
    resolver.resolve(1)
    assert keeper.find(one.id) is None
    last.resolve(1)
    assert len(keeper) == 0
    assert other.is_settled


async def test_pending_are_bounded(monkeypatch):
    """More promises than the bound cannot be made; room made is room again."""
    monkeypatch.setattr(promise, "MOST_PENDING", 2)
    (_, first), (_, second) = make(), make()
    with pytest.raises(InternalError, match="2 are pending"):
        make()
    first.resolve(1)
    _, third = make()
    second.resolve(1)
    third.resolve(1)


async def test_listeners_run_in_place(records):
    """A listener is called where the promise settles, at once when it is; one that raises stops no other."""
    one, resolver = make()
    seen = []
    one.when_settled(lambda _: 1 / 0)
    one.when_settled(lambda settled: seen.append(settled.result()))
    resolver.resolve(3)
    one.when_settled(lambda _: seen.append("late"))
    assert seen == [3, "late"]
    assert len(records) == 1


def test_settled_ones_need_no_loop():
    """`of` and `failed` work without a loop."""
    assert Promise.of(3).result() == 3
    with pytest.raises(KeyError):
        Promise.failed(KeyError("x")).result()


async def test_loops_are_apart():
    """Each loop has a keeper of its own."""
    mine = PromiseKeeper.instance()

    async def other():
        return PromiseKeeper.instance()

    assert await asyncio.to_thread(lambda: asyncio.run(other())) is not mine
