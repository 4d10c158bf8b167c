"""The bus."""

import asyncio
import gc

import pytest

from snowfox.core import log, trace
from snowfox.core.deadline import NO_END, current, deadline
from snowfox.core.event.bus import Bus
from snowfox.core.event.fact import Fact
from snowfox.core.ids import Ids
from snowfox.core.trace import Trace, within
from snowfox.errors import Cancelled, DeadlineExceeded, HandlersFailed, InternalError, NotFound, WouldDeadlock


class Ping(Fact, kind="test.bus.ping"):
    number: int = 0


class Loud(Ping, kind="test.bus.loud"):
    pass


class Pong(Fact, kind="test.bus.pong"):
    number: int = 0


class Other(Fact, kind="test.bus.other"):
    pass


@pytest.fixture
async def bus(clock):
    """A bus on which three events may wait per subject."""
    bus = Bus(clock, Ids(clock), most=3)
    yield bus
    await bus.close()


@pytest.fixture
def events(bus):
    """All events that the bus tells."""
    seen = []
    bus.subscribe(None, seen.append)
    return seen


async def test_event_has_all_parts(bus, clock, events):
    """An event carries id, kind, subject, time, and begins a trace of its own where there is none."""
    await bus.emit(Ping(3), subject="a")
    event = events[0]
    assert (event.kind, event.subject, event.at, event.fact) == ("test.bus.ping", "a", clock.wall(), Ping(3))
    assert (event.trace, event.cause) == (event.id, "")


async def test_told_by_kind(bus):
    """A handler hears its kind and what is derived from it; one of None hears all, and last."""
    heard = []

    @bus.on(Ping)
    def ping(event):
        heard.append(("ping", event.fact.number))

    @bus.on(Loud)
    async def loud(event):
        heard.append(("loud", event.fact.number))

    bus.subscribe(None, lambda event: heard.append(("all", event.fact.number)))
    for fact in (Ping(1), Loud(2), Pong(3)):
        await bus.emit(fact, subject="a")
    assert heard == [("ping", 1), ("all", 1), ("ping", 2), ("loud", 2), ("all", 2), ("all", 3)]


async def test_unsubscribed_hears_nothing(bus):
    """What subscribe returns ends it, also for kinds that were told before."""
    heard = []
    stop = bus.subscribe(Ping, heard.append)
    await bus.emit(Ping(), subject="a")
    stop()
    stop()
    await bus.emit(Ping(), subject="a")
    assert len(heard) == 1


async def test_unheard_costs_nothing(bus):
    """Without a listener no event, id or promise is made."""
    assert bus.emit(Ping(), subject="a") is bus.emit(Pong(), subject="b")
    bus._ids = None
    await bus.emit(Ping(), subject="a")


async def test_plain_handlers_need_no_task(bus):
    """With plain handlers only, everything is handled when emit returns, and no task was made."""
    heard = []
    bus.subscribe(Ping, heard.append)
    before = len(asyncio.all_tasks())
    promise = bus.emit(Ping(), subject="a")
    assert promise.is_settled
    assert len(heard) == 1
    assert len(asyncio.all_tasks()) == before


@pytest.mark.goal
async def test_settles_when_all_handled(bus, clock):
    """The promise settles only once the slowest handler has handled it."""
    done = []

    @bus.on(Ping)
    async def slow(event):
        await asyncio.sleep(5)
        done.append("slow")

    @bus.on(Ping)
    def quick(event):
        done.append("quick")

    promise = bus.emit(Ping(), subject="a")
    await clock.advance("4s")
    assert not promise.is_settled
    await clock.advance("1s")
    assert promise.is_settled
    assert sorted(done) == ["quick", "slow"]
    await promise


@pytest.mark.goal
async def test_rejects_with_all_errors(bus, clock):
    """Every handler gets its turn, and the promise rejects with what each of them said."""
    heard = []

    @bus.on(Ping)
    def broken(event):
        raise NotFound("no door")

    @bus.on(Ping)
    async def worse(event):
        await asyncio.sleep(1)
        raise KeyError("k")

    bus.subscribe(Ping, heard.append)
    promise = bus.emit(Ping(), subject="a")
    await clock.advance("1s")
    with pytest.raises(HandlersFailed) as caught:
        await promise
    assert len(caught.value.errors) == 2
    assert "broken: no door" in caught.value.errors[0]
    assert "worse: 'k'" in caught.value.errors[1]
    assert [type(error) for error in caught.value.__cause__.exceptions] == [NotFound, KeyError]
    assert len(heard) == 1


async def test_failure_of_a_plain_handler(bus):
    """A plain handler that raises rejects the promise too, and emit itself does not raise."""
    bus.subscribe(Ping, lambda event: 1 / 0)
    promise = bus.emit(Ping(), subject="a")
    with pytest.raises(HandlersFailed, match=r"cannot handle test\.bus\.ping on a: .*division by zero"):
        await promise


async def test_failure_that_nobody_awaits_is_logged(bus):
    """Errors of handlers are logged when the promise is dropped unseen."""
    records = []
    before = log.set_sink(records.append)
    bus.subscribe(Ping, lambda event: 1 / 0)
    bus.emit(Ping(), subject="a")
    gc.collect()
    log.set_sink(before)
    assert len(records) == 1
    assert "division by zero" in records[0].fields["error"]


@pytest.mark.goal
async def test_order_per_subject(bus, clock):
    """Events on one subject are handled one after another; other subjects do not wait for them."""
    heard = []

    @bus.on(Ping)
    async def slow(event):
        await asyncio.sleep(1)
        heard.append((event.subject, event.fact.number))

    bus.subscribe(Pong, lambda event: heard.append((event.subject, event.fact.number)))
    promises = [bus.emit(Ping(number), subject="a") for number in (1, 2)]
    promises.append(bus.emit(Pong(3), subject="a"))
    bus.emit(Pong(4), subject="b")
    assert heard == [("b", 4)]
    assert bus.waiting == 3
    await clock.advance("3s")
    assert heard == [("b", 4), ("a", 1), ("a", 2), ("a", 3)]
    assert all(promise.is_settled for promise in promises)
    assert bus.waiting == 0


async def test_own_subject_without_await_comes_after(bus):
    """What a plain handler emits on its own subject is handled after the event itself, however long the chain."""
    heard = []

    @bus.on(Ping)
    def again(event):
        if event.fact.number < 5000:
            bus.emit(Ping(event.fact.number + 1), subject="a")
        heard.append(event.fact.number)

    await bus.emit(Ping(0), subject="a")
    assert heard == list(range(5001))


@pytest.mark.goal
async def test_awaiting_own_subject_would_deadlock(bus, clock):
    """A handler that awaits an emit on its own subject gets WouldDeadlock at once; the event itself goes on."""
    seen = []

    @bus.on(Ping)
    async def handler(event):
        if event.fact.number == 0:
            with pytest.raises(WouldDeadlock, match=r"on a waits for test\.bus\.ping on a"):
                await bus.emit(Ping(1), subject="a")
        seen.append(event.fact.number)

    promise = bus.emit(Ping(0), subject="a")
    await clock.settle()
    await promise
    assert seen == [0, 1]


async def test_deadlock_over_two_subjects(bus, clock):
    """A circle over two subjects is found as well: the second handler gets WouldDeadlock."""
    caught, seen = [], []
    bus.subscribe(Other, seen.append)

    @bus.on(Ping)
    async def ping(event):
        await bus.emit(Pong(), subject="b")

    @bus.on(Pong)
    async def pong(event):
        with pytest.raises(WouldDeadlock):
            await bus.emit(Other(), subject="a")
        caught.append(True)

    promise = bus.emit(Ping(), subject="a")
    await clock.settle()
    assert caught
    assert len(seen) == 1
    assert promise.is_settled
    await promise


async def test_awaiting_another_subject_is_fine(bus, clock):
    """A handler may await another subject, also one that awaits the first one's later event without a circle."""
    seen = []

    @bus.on(Ping)
    async def ping(event):
        await bus.emit(Pong(event.fact.number), subject="b")
        seen.append(("ping", event.fact.number))

    @bus.on(Pong)
    async def pong(event):
        await asyncio.sleep(1)
        seen.append(("pong", event.fact.number))

    promises = [bus.emit(Ping(number), subject="a") for number in (1, 2)]
    await clock.advance("3s")
    assert all(promise.is_settled for promise in promises)
    assert seen == [("pong", 1), ("ping", 1), ("pong", 2), ("ping", 2)]


@pytest.mark.goal
async def test_trace_is_inherited(bus, clock, events):
    """What a handler emits, later too, belongs to the event's trace with the event as its cause."""

    @bus.on(Ping)
    async def handler(event):
        await asyncio.sleep(1)
        assert trace.current() == Trace(event.trace, event.id)
        bus.emit(Pong(), subject="b")

    with within(Trace("story", "parent")):
        bus.emit(Ping(), subject="a")
        bus.emit(Ping(), subject="a")
    await clock.advance("2s")
    pings = [event for event in events if event.kind == "test.bus.ping"]
    pongs = [event for event in events if event.kind == "test.bus.pong"]
    assert {event.trace for event in events} == {"story"}
    assert [event.cause for event in pings] == ["parent", "parent"]
    assert [event.cause for event in pongs] == [event.id for event in pings]
    assert trace.current() is None


async def test_queued_keep_their_own_deadline(bus, clock):
    """A queued event is handled with the deadline of who emitted it, not of who came before."""
    seen = []

    @bus.on(Ping)
    async def handler(event):
        seen.append(current())
        await asyncio.sleep(1)

    bus.emit(Ping(), subject="a")
    with deadline("50s") as until:
        bus.emit(Ping(), subject="a")
    await clock.advance("2s")
    assert seen == [NO_END, until]


async def test_deadline_of_an_emit(bus, clock):
    """An emit whose deadline passes rejects; the handler goes on and the next event follows it."""
    seen = []

    @bus.on(Ping)
    async def handler(event):
        await asyncio.sleep(10)
        seen.append(event.fact.number)

    promise = bus.emit(Ping(1), subject="a", deadline=clock.after("1s"))
    bus.emit(Ping(2), subject="a")
    await clock.advance("2s")
    with pytest.raises(DeadlineExceeded):
        await promise
    await clock.advance("20s")
    assert seen == [1, 2]


async def test_stuck_handler_is_ended(bus, clock):
    """A handler that takes longer than the bus allows is cancelled, and the subject goes on."""
    seen = []

    @bus.on(Ping)
    async def handler(event):
        if event.fact.number == 1:
            await asyncio.Event().wait()
        seen.append(event.fact.number)

    first, second = (bus.emit(Ping(number), subject="a", deadline=NO_END) for number in (1, 2))
    await clock.advance("61s")
    with pytest.raises(HandlersFailed, match="it took too long"):
        await first
    await second
    assert seen == [2]


async def test_queue_is_bounded(bus, clock):
    """One more than may wait is rejected at once, and told."""

    @bus.on(Ping)
    async def handler(event):
        await asyncio.sleep(1)

    promises = [bus.emit(Ping(number), subject="a") for number in range(4)]
    with pytest.raises(InternalError, match="3 events wait already"):
        await promises[3]
    await clock.advance("3s")
    assert all(promise.is_settled for promise in promises)


async def test_close_ends_all(bus, clock):
    """Closing cancels what is handled and what waits, and takes no more."""

    @bus.on(Ping)
    async def handler(event):
        await asyncio.sleep(100)

    promises = [bus.emit(Ping(number), subject="a") for number in range(2)]
    await clock.settle()
    await bus.close()
    for promise in promises:
        with pytest.raises(Cancelled):
            await promise
    with pytest.raises(InternalError, match="closed"):
        await bus.emit(Ping(), subject="a")
