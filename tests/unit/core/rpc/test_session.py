"""Two sessions joined by bytes: calls, streams, deadlines, silence, refusals, and a hostile peer."""

from time import process_time

import pytest

from snowfox.core.rpc import frame
from snowfox.core.rpc import session as sessions
from snowfox.core.rpc.happening import (
    Answered,
    Called,
    Ended,
    Failed,
    Item,
    StreamEnded,
    Withdrawn,
)
from snowfox.core.rpc.interface import Descriptor, Right
from snowfox.core.rpc.session import Options, Session
from snowfox.core.trace import Trace, within
from snowfox.errors import (
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    InternalError,
    NotFound,
    NotPermitted,
    PeerError,
    ProtocolError,
)
from snowfox.testing.rpc import QUIET, Kernel, Pair, Shop


def test_a_call_is_answered():
    """A call reaches the server with its arguments, and its answer comes back under its number."""
    pair = Pair()
    request = pair.call(Shop.price, "apple", 3)
    pair.carry()
    assert pair.asked == [Called(1, "Shop.price", ("apple", 3), None)]
    pair.server.answer(1, 12)
    pair.carry()
    assert pair.heard == [Answered(request, 12)]


def test_the_name_of_the_other_end_is_known():
    """Each end says who it is."""
    pair = Pair(options=QUIET._replace(name="shop"))
    assert not pair.caller.greeted
    pair.carry()
    assert pair.caller.peer_name == "shop"
    assert pair.caller.greeted


def test_answers_come_in_any_order():
    """Requests are answered in the order that the server likes."""
    pair = Pair()
    first, second = pair.call(Shop.price, "apple", 1), pair.call(Shop.price, "pear", 1)
    pair.carry()
    pair.server.answer(2, 20)
    pair.server.answer(1, 10)
    pair.carry()
    assert pair.heard == [Answered(second, 20), Answered(first, 10)]


def test_a_trace_goes_along():
    """A call made inside a trace arrives with it."""
    pair = Pair()
    with within(Trace("story", "cause")):
        pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert pair.asked[0].trace == Trace("story", "cause")


def test_an_error_arrives_as_itself():
    """An error of the tree is raised at the other end with its class and fields."""
    pair = Pair()
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    pair.server.refuse(1, NotFound("there is no apple", "ask for a pear"))
    pair.carry()
    error = pair.heard[0].error
    assert type(error) is NotFound
    assert (error.text, error.hint) == ("there is no apple", "ask for a pear")


def test_a_stream_brings_items_and_its_end():
    """Items come in order, then the end."""
    pair = Pair()
    request = pair.call(Shop.sales, "apple")
    pair.carry()
    assert pair.server.item(1, "one")
    assert pair.server.item(1, "two")
    pair.server.end(1)
    pair.carry()
    assert pair.heard == [Item(request, "one", 20), Item(request, "two", 20), StreamEnded(request)]
    assert not pair.server.item(1, "three")


def test_a_cancelled_call_is_withdrawn():
    """Cancelling reaches the handler; what it answers then goes nowhere."""
    pair = Pair()
    request = pair.call(Shop.sales, "apple")
    pair.carry()
    pair.caller.cancel(request)
    pair.carry()
    assert pair.asked[-1] == Withdrawn(1)
    pair.server.answer(1, "late")
    pair.carry()
    assert pair.heard == []
    assert not pair.server.ended


def test_an_answer_that_crosses_a_cancel_is_ignored():
    """A reply under way while its call is cancelled does no harm, and its descriptors are closed."""
    pair = Pair()
    request = pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.carry()
    pair.server.answer(1, pair.asked[0].arguments[0])
    pair.caller.cancel(request)
    pair.carry()
    assert pair.heard == []
    assert not pair.caller.ended
    assert 2007 in pair.kernel.closed


def test_the_deadline_is_kept_at_both_ends():
    """When the time of a call is over its caller hears so, its handler is withdrawn."""
    pair = Pair()
    request = pair.call(Shop.price, "apple", 1, deadline=3.0)
    pair.carry()
    assert pair.caller.next_tick() == pair.server.next_tick() == 103.0
    pair.pass_time(2.9)
    assert pair.heard == []
    pair.pass_time(0.2)
    assert [type(one) for one in pair.heard] == [Failed]
    assert isinstance(pair.heard[0].error, DeadlineExceeded)
    assert pair.heard[0].request == request
    assert pair.asked[-1] == Withdrawn(1)
    pair.carry()
    assert len(pair.heard) == 1
    assert pair.caller.next_tick() is None
    assert pair.server.next_tick() is None


def test_a_server_keeps_the_deadline_of_the_method():
    """A peer that names no deadline gets the method's own; what came with the request is closed."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.carry()
    pair.caller.outbox.put(frame.CALL, 9, b"\x91\xd4\x01\x00", [Descriptor(8, pair.kernel)])
    pair.carry()
    pair.pass_time(1.9)
    assert Withdrawn(9) not in pair.asked
    pair.pass_time(0.2)
    assert Withdrawn(9) in pair.asked
    assert 1008 in pair.kernel.closed


def test_a_call_may_have_no_end():
    """A call without an end waits on, at both ends, beyond the deadline of its method."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel), deadline=float("inf"))
    pair.carry()
    pair.pass_time(100_000.0)
    assert pair.heard == []
    assert [type(one) for one in pair.asked] == [Called]


def test_deadlines_are_looked_at_coarsely():
    """Many deadlines close to one another are found by one look, not by one each."""
    pair = Pair()
    for index in range(10):
        pair.call(Shop.price, "apple", 1, deadline=1.0 + index / 1000)
    pair.carry()
    pair.pass_time(1.0)
    assert pair.caller.next_tick() == 101.0 + sessions.COARSE
    pair.pass_time(sessions.COARSE)
    assert len(pair.heard) == 10


def test_silence_is_answered_by_a_ping():
    """After silence one ping goes out; its answer counts as life."""
    pair = Pair(options=Options("test", ping_after=2.0, dead_after=5.0))
    pair.carry()
    assert pair.server.next_tick() == 102.0
    pair.pass_time(2.0)
    assert pair.server.outbox.size == frame.SIZE
    pair.carry()
    assert pair.server.next_tick() == 104.0
    pair.pass_time(1.9)
    assert pair.server.outbox.size == 0


def test_pings_of_several_sessions_come_together():
    """Silence that began at different moments is looked for at the same one, so that its host wakes once."""
    ticks = set[float | None]()
    for offset in (0.01, 0.2, 0.49):
        pair = Pair(options=Options("test", ping_after=2.0, dead_after=5.0))
        pair.pass_time(offset)
        pair.carry()
        ticks.add(pair.server.next_tick())
    assert ticks == {102.5}


def test_a_dead_peer_ends_the_session():
    """When not even a ping is answered the session is over."""
    pair = Pair(options=Options("test", ping_after=2.0, dead_after=5.0))
    pair.carry()
    pair.pass_time(2.0)
    pair.pass_time(3.0)
    assert isinstance(pair.asked[-1], Ended)
    assert isinstance(pair.asked[-1].error, DeadlineExceeded)
    assert pair.server.next_tick() is None


def test_a_quiet_session_needs_no_time():
    """Without pings and calls there is nothing to wake up for."""
    pair = Pair()
    pair.carry()
    assert pair.caller.next_tick() is None
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    pair.server.answer(1, 1)
    pair.carry()
    pair.pass_time(10.0)
    assert pair.caller.next_tick() is None
    assert pair.heard == [Answered(1, 1)]


def test_a_peer_that_reads_nothing_loses_its_session():
    """When nothing of what waits is taken for 30 s the session ends; a slow reader keeps it."""
    pair = Pair()
    pair.carry()
    wire = Kernel()
    wire.room = 10
    pair.call(Shop.price, "x" * 1000, 1, deadline=1000.0)
    assert not pair.caller.outbox.send(wire, 0)
    for _ in range(5):
        pair.pass_time(20.0)
        wire.room = 10
        pair.caller.outbox.send(wire, 0)
    assert pair.heard == []
    pair.pass_time(0.0)
    pair.pass_time(30.0)
    assert isinstance(pair.heard[-1], Ended)
    assert isinstance(pair.heard[-1].error, DeadlineExceeded)


def test_a_right_is_needed():
    """A call without its right is refused, and the session goes on."""
    pair = Pair(options=QUIET._replace(rights=frozenset({Right.READ})))
    pair.call(Shop.close_down)
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert [one.method for one in pair.asked] == ["Shop.price"]
    assert isinstance(pair.heard[0].error, NotPermitted)


def test_descriptors_are_given_away():
    """A descriptor that was sent is closed here once it went; the receiver has its own."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    assert pair.kernel.closed == []
    wire = Kernel()
    pair.caller.outbox.send(wire, 0)
    assert wire.closed == [7]


def test_descriptors_that_a_handler_left_are_closed():
    """What came with a request and was not taken is closed when it is answered."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.carry()
    pair.server.answer(1, None)
    assert pair.kernel.closed == [1007]


def test_descriptors_that_a_handler_took_stay():
    """What a handler took is its own."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.carry()
    assert pair.asked[0].arguments[0].take() == 1007
    pair.server.answer(1, None)
    pair.server.close()
    assert pair.kernel.closed == []


def test_a_withdrawn_descriptor_cannot_be_taken():
    """A handler that comes too late for its descriptor gets an error of the tree, not a wrong number."""
    pair = Pair()
    request = pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.carry()
    pair.caller.cancel(request)
    pair.carry()
    assert pair.kernel.closed == [1007]
    with pytest.raises(Cancelled):
        pair.asked[0].arguments[0].take()


def test_descriptors_outlive_the_end_until_close():
    """A request that came with the end can still be served from its descriptors; `close` closes what is left."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.caller.goodbye()
    pair.carry()
    assert [type(one) for one in pair.asked] == [Called, Withdrawn, Ended]
    assert pair.asked[0].arguments[0].number == 1007
    pair.server.close()
    assert pair.kernel.closed == [1007]


def test_unsent_descriptors_are_closed_with_the_session():
    """What waits to be sent when the session is closed is closed as well."""
    pair = Pair()
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.caller.close()
    assert pair.kernel.closed == [7]


def test_descriptors_where_none_belong_end_the_session():
    """Descriptors that came with no frame, or with one that has no place for them, are closed."""
    for data in (b"", frame.HEADER.pack(0, frame.PING, 1, 0, 0, 0)):
        pair = Pair()
        pair.carry()
        found = pair.server.receive(data, (50,), pair.now)
        assert isinstance(found[-1].error, ProtocolError)
        pair.server.close()
        assert pair.kernel.closed == [50]


def test_an_answer_too_large_is_refused():
    """An answer beyond the limit becomes an error for who asked; the session lives."""
    pair = Pair()
    pair.call(Shop.sales, "apple")
    pair.carry()
    with pytest.raises(PeerError):
        pair.server.item(1, "x" * (frame.LIMIT + 1))
    with pytest.raises(InternalError):
        pair.call(Shop.price, "x" * (frame.LIMIT + 1), 1)
    assert not pair.caller.ended


def test_an_answer_of_another_type_is_our_mistake():
    """A handler's value that does not fit is found before it is sent, and the request can still be refused."""
    pair = Pair()
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    with pytest.raises(InternalError):
        pair.server.answer(1, "much")
    pair.server.refuse(1, InternalError("a mistake"))
    pair.carry()
    assert isinstance(pair.heard[0], Failed)


def test_calls_beyond_the_limit_wait_their_turn():
    """The other end says how many requests it takes; further ones are held back here and sent as answers come."""
    pair = Pair(options=QUIET._replace(most_requests=2))
    pair.carry()
    requests = [pair.call(Shop.price, "apple", number) for number in range(5)]
    pair.caller.cancel(requests[3])
    pair.carry()
    assert [one.arguments[1] for one in pair.asked] == [0, 1]
    for number in (1, 2):
        pair.server.answer(number, number)
        pair.carry()
    assert [one.arguments[1] for one in pair.asked] == [0, 1, 2, 4]
    assert not pair.server.ended


def test_many_held_calls_are_cancelled():
    """Giving up one of many that are held back looks at none of the others, and leaves their order alone."""
    pair = Pair(options=QUIET._replace(most_requests=1))
    pair.carry()
    requests = [pair.call(Shop.price, "apple", count) for count in range(20_000)]
    began = process_time()
    for request in reversed(requests[3:]):
        pair.caller.cancel(request)
    assert process_time() - began < 2.0  # each looking at all others takes 10 s, each by itself 0.02
    pair.carry()
    pair.server.answer(1, 0)
    pair.carry()
    pair.server.answer(2, 0)
    pair.carry()
    assert [one.arguments[1] for one in pair.asked] == [0, 1, 2]


def test_held_calls_expire():
    """A call that waits for its turn has its deadline all the same, and its descriptors are closed."""
    pair = Pair(options=QUIET._replace(most_requests=1))
    pair.carry()
    pair.call(Shop.price, "apple", 1, deadline=10.0)
    pair.call(Shop.give, Descriptor(7, pair.kernel))
    pair.pass_time(2.5)
    assert [one.request for one in pair.heard] == [2]
    assert pair.kernel.closed == [7]
    pair.carry()
    assert len(pair.asked) == 1


def test_too_many_requests_end_the_session():
    """A peer that does not hold back loses its session."""
    pair = Pair(options=QUIET._replace(most_requests=2))
    pair.carry()
    pair.caller.calls.most = 100
    for number in range(3):
        pair.call(Shop.price, "apple", number)
    pair.carry()
    assert isinstance(pair.asked[-1].error, ProtocolError)


def test_the_end_settles_all():
    """When the session ends every call fails once, every request is withdrawn once, then comes the end."""
    pair = Pair()
    requests = [pair.call(Shop.price, "apple", 1), pair.call(Shop.sales, "apple")]
    pair.carry()
    heard = pair.caller.lost(None)
    assert heard[:2] == [Failed(request, heard[-1].error) for request in requests]
    assert isinstance(heard[-1], Ended)
    assert isinstance(heard[-1].error, ConnectionLost)
    assert pair.caller.lost(None) == []
    assert pair.caller.tick(1e9) == []
    assert [type(one) for one in pair.server.lost(None)] == [Withdrawn, Withdrawn, Ended]
    with pytest.raises(ConnectionLost):
        pair.call(Shop.price, "apple", 1)


def test_an_orderly_end_is_no_error():
    """A goodbye with nothing open ends without an error."""
    pair = Pair()
    pair.carry()
    pair.caller.goodbye()
    pair.carry()
    assert pair.asked == [Ended(None)]


def test_both_ends_may_call():
    """The server of one interface is the caller of another, over the same session and with the same numbers."""
    kernel = Kernel()
    one, other = (Session(0.0, QUIET, serving=Shop, posix=kernel) for _ in range(2))
    for end in (one, other):
        assert end.call(Shop.price, ("apple", 1), 0.0, deadline=None) == 1
    found = {one: [], other: []}

    def carry():
        for source, target in ((one, other), (other, one)):
            wire = Kernel()
            source.outbox.send(wire, 0)
            for data, _ in wire.sent:
                found[target].extend(target.receive(data, (), 0.0))

    carry()
    one.answer(1, 5)
    other.answer(1, 6)
    carry()
    assert [type(item) for item in found[one]] == [Called, Answered]
    assert found[one][1].value == 6
    assert found[other][1].value == 5
