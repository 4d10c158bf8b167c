"""Two sessions joined by bytes: calls, streams, deadlines, silence, refusals, and a hostile peer."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.core.rpc import frame
from snowfox.core.rpc import session as sessions
from snowfox.core.rpc.happening import Answered, Called, Ended, Failed, Item, StreamEnded, Withdrawn
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
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

QUIET = Options("test", ping_after=None, dead_after=None, rights=Right.ALL)


class Shop(Interface):
    @call(right=Right.READ)
    def price(self, name: str, count: int = 1) -> int:
        """Any."""

    @stream(right=Right.READ)
    def sales(self, name: str) -> str:
        """Any."""

    @call(deadline="2s")
    def give(self, thing: Descriptor) -> Descriptor | None:
        """Any."""

    @call(right=Right.ADMIN)
    def close_down(self) -> None:
        """Any."""


class Kernel:
    """A kernel that only closes, and takes what is sent up to `room` bytes."""

    def __init__(self):
        self.files = self.sockets = self
        self.closed = []
        self.sent = []
        self.room = 1 << 30

    def close(self, number):
        """Note it."""
        assert number not in self.closed, "closed twice"
        self.closed.append(number)

    def send(self, socket, data, descriptors=()):
        """Take what there is room for."""
        if self.room <= 0:
            return None
        count = min(self.room, len(data))
        self.room -= count
        self.sent.append((bytes(data[:count]), descriptors))
        return count


class Pair:
    """A caller and a server with a pipe between them that cuts where it is told."""

    def __init__(self, *, options=QUIET, serving=Shop):
        self.kernel = Kernel()
        self.now = 100.0
        self.caller = Session(self.now, QUIET, serving=None, posix=self.kernel)
        self.server = Session(self.now, options, serving=serving, posix=self.kernel)
        self.heard = []
        self.asked = []

    def carry(self, cut=lambda data: [data]):
        """Move all bytes both ways until nothing moves."""
        moved = True
        while moved:
            moved = self._carry(self.caller, self.server, self.asked, cut)
            moved = self._carry(self.server, self.caller, self.heard, cut) or moved

    def _carry(self, source, target, out, cut):
        wire = Kernel()
        if not source.outbox.size:
            return False
        source.outbox.send(wire, 0)
        for data, descriptors in wire.sent:
            for index, piece in enumerate(cut(data)):
                # What was sent is closed here; the other end has its own number for it.
                given = tuple(number + 1000 for number in descriptors) if index == 0 else ()
                out.extend(target.receive(piece, given, self.now))
        return True

    def call(self, method, *values, deadline=None):
        """Ask as the caller."""
        return self.caller.call(method, values, self.now, deadline=deadline)

    def pass_time(self, seconds):
        """Let both ends look at the time."""
        self.now += seconds
        self.heard.extend(self.caller.tick(self.now))
        self.asked.extend(self.server.tick(self.now))


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
    assert pair.heard == [Item(request, "one"), Item(request, "two"), StreamEnded(request)]
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
    assert isinstance(pair.heard[-1].error, ConnectionLost)


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


def test_an_unknown_method_ends_the_session():
    """A method that is not served ends the session, and its caller is told why."""

    class Other(Interface):
        @call()
        def price(self, name: str) -> int:
            """Any."""

    pair = Pair()
    pair.call(Other.price, "apple")
    pair.carry()
    assert isinstance(pair.asked[-1].error, ProtocolError)
    assert isinstance(pair.heard[-1].error, ProtocolError)
    assert "Other.price" in str(pair.heard[-1].error)


def test_nothing_is_served_where_nothing_is_offered():
    """An end that serves no interface takes no call."""
    pair = Pair(serving=None)
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert isinstance(pair.asked[-1].error, ProtocolError)


def _variants():
    class Newer(NamedTuple):
        name: str
        count: int
        note: str = "none"

    class Older(NamedTuple):
        name: str
        count: int

    class New(Interface):
        @call()
        def sell(self, what: Newer, to: str, at: int = 5) -> Newer:
            """Any."""

        @call()
        def changed(self, what: str) -> int:
            """Any."""

    class Old(Interface):
        @call()
        def sell(self, what: Older, to: str) -> Older:
            """Any."""

        @call()
        def changed(self, what: int) -> int:
            """Any."""

    for one in (New, Old):
        for method in one.methods.values():
            method.interface = "Sale"
    Newer.__name__ = Older.__name__ = "Thing"
    return New, Old, Newer, Older


def test_a_last_field_may_be_added():
    """Ends of which one has a further optional field or argument talk, either way."""
    new, old, newer, older = _variants()
    pair = Pair(serving=new)
    pair.call(old.sell, older("apple", 1), "me")
    pair.carry()
    assert pair.asked[0].arguments == (newer("apple", 1, "none"), "me", 5)
    pair.server.answer(1, newer("apple", 2, "sold"))
    pair.carry()
    assert pair.heard[0].value == older("apple", 2)
    pair = Pair(serving=old)
    pair.call(new.sell, newer("apple", 1, "sweet"), "me", 7)
    pair.carry()
    assert pair.asked[0].arguments == (older("apple", 1), "me")


def test_a_changed_method_is_refused_when_called():
    """A method on which the ends disagree is refused, others of the session are not."""
    new, old, _, older = _variants()
    pair = Pair(serving=new)
    pair.call(old.changed, 3)
    pair.call(old.sell, older("apple", 1), "me")
    pair.carry()
    assert isinstance(pair.heard[0], Failed)
    assert isinstance(pair.heard[0].error, PeerError)
    assert [one.method for one in pair.asked] == ["Sale.sell"]


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


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "sales", "cancel", "answer", "refuse", "item", "end", "time", "carry"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


class Story:
    """What both ends do, step by step."""

    def __init__(self, pair, cut):
        self.pair = pair
        self.cut = cut
        self.calls = []
        self.cancelled = set()

    def settled(self):
        """The numbers of calls that settled, as often as they did."""
        return [one.request for one in self.pair.heard if isinstance(one, (Answered, Failed, StreamEnded))]

    def called(self, which, method):
        """The number of some request for this method, or one that there is not."""
        found = [one.request for one in self.pair.asked if isinstance(one, Called) and one.method == method]
        return found[which % len(found)] if found else 999

    def step(self, what, which):
        """Do one thing."""
        pair = self.pair
        steps = {
            "give": lambda: self.calls.append(
                pair.call(Shop.give, Descriptor(len(self.calls) + 1, pair.kernel))
            ),
            "sales": lambda: self.calls.append(pair.call(Shop.sales, "apple")),
            "cancel": lambda: self.cancel(which),
            "answer": lambda: pair.server.answer(self.called(which, "Shop.give"), None),
            "refuse": lambda: pair.server.refuse(self.called(which, "Shop.sales"), NotFound("no")),
            "item": lambda: pair.server.item(self.called(which, "Shop.sales"), "x"),
            "end": lambda: pair.server.end(self.called(which, "Shop.sales")),
            "time": lambda: pair.pass_time(which / 2),
            "carry": lambda: pair.carry(self.cut),
        }
        steps[what]()

    def cancel(self, which):
        """Cancel some call, settled or not."""
        if self.calls:
            request = self.calls[which % len(self.calls)]
            if request not in self.settled():
                self.cancelled.add(request)
            self.pair.caller.cancel(request)


@settings(max_examples=150)
@given(STEPS, st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_every_request_settles_once(steps, sizes):
    """Whatever both ends do and wherever the pipe cuts, each call settles exactly once, and no descriptor is lost."""

    def cut(data):
        pieces, at = [], 0
        while at < len(data):
            pieces.append(data[at : at + sizes[len(pieces) % len(sizes)]])
            at += len(pieces[-1])
        return pieces

    pair = Pair(options=QUIET._replace(most_requests=3))
    story = Story(pair, cut)
    for what, which in steps:
        story.step(what, which)
    pair.carry(cut)
    pair.heard.extend(pair.caller.lost(None))
    pair.asked.extend(pair.server.lost(None))
    pair.caller.close()
    pair.server.close()
    assert sorted([*story.settled(), *story.cancelled]) == sorted(story.calls)
    assert len([one for one in pair.heard if isinstance(one, Ended)]) == 1
    gifts = [
        one.arguments[0].number for one in pair.asked if isinstance(one, Called) and one.method == "Shop.give"
    ]
    assert set(gifts) <= {-1}


def _conversation():
    """All that a caller sends in a small conversation, as one piece of bytes."""
    kernel = Kernel()
    one = Session(0.0, QUIET, serving=None, posix=kernel)
    with within(Trace("story", "cause")):
        one.call(Shop.price, ("apple", 3), 0.0, deadline=5.0)
    request = one.call(Shop.sales, ("apple",), 0.0, deadline=None)
    one.cancel(request)
    one.goodbye(NotFound("bye"))
    wire = Kernel()
    one.outbox.send(wire, 0)
    return b"".join(data for data, _ in wire.sent)


def _received(data, *, descriptors=()):
    kernel = Kernel()
    end = Session(0.0, QUIET, serving=Shop, posix=kernel)
    happenings = []
    for at in range(0, len(data), 7):
        happenings += end.receive(data[at : at + 7], descriptors if at == 0 else (), 0.0)
    return end, happenings


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_each_changed_byte_is_taken_or_ends_the_session(flip):
    """With any byte changed the session goes on or ends with an error of the tree; it never crashes."""
    whole = _conversation()
    ended = 0
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= flip
        end, happenings = _received(bytes(data))
        errors = [one.error for one in happenings if isinstance(one, Ended)]
        assert len(errors) <= 1
        ended += any(isinstance(error, ProtocolError) for error in errors)
        end.close()
    assert ended > len(whole) // 4


def test_each_truncation_waits_for_more():
    """A conversation cut anywhere has not ended; the rest of it ends it in order."""
    whole = _conversation()
    for at in range(len(whole)):
        end, happenings = _received(whole[:at])
        assert not any(isinstance(one, Ended) for one in happenings)
        rest = end.receive(whole[at:], (), 0.0)
        assert isinstance(rest[-1], Ended)
        assert isinstance(rest[-1].error, NotFound)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.booleans(), st.integers(0, 3))
def test_any_bytes_never_crash(data, greeted, count):
    """Any bytes with any descriptors are taken, or end the session with ProtocolError; every descriptor is closed."""
    kernel = Kernel()
    end = Session(0.0, QUIET, serving=Shop, posix=kernel)
    if greeted:
        wire = Kernel()
        Session(0.0, QUIET, serving=None, posix=kernel).outbox.send(wire, 0)
        end.receive(wire.sent[0][0], (), 0.0)
    descriptors = tuple(range(10, 10 + count))
    found = end.receive(data, descriptors, 0.0)
    for one in found:
        if isinstance(one, Ended):
            assert one.error is None or not data or isinstance(one.error, ProtocolError) or greeted
    end.close()
    assert sorted(kernel.closed) == sorted(descriptors)


@pytest.mark.parametrize(
    "head",
    [
        (1, frame.CALL, 0, 0, 1, 0),
        (0, frame.ANSWER, 0, 0, 5, 0),
        (0, frame.ITEM, 0, 0, 5, 0),
        (0, frame.DEFINE, 0, 3, 0, 0),
        (frame.LIMIT + 1, frame.CALL, 0, 0, 1, 0),
        (0, 99, 0, 0, 0, 0),
        (0, frame.HELLO, 0, 0, 0, 0),
        (0, frame.PING, 254, 0, 0, 0),
    ],
)
def test_a_frame_out_of_place_ends_the_session(head):
    """Calls of undefined methods, replies to nothing, unknown kinds, too long ones: ProtocolError, told to the peer."""
    pair = Pair()
    pair.carry()
    found = pair.server.receive(frame.HEADER.pack(*head) + b"\x90" * min(head[0], 10), (), pair.now)
    assert isinstance(found[-1], Ended)
    assert isinstance(found[-1].error, ProtocolError)
    assert pair.server.outbox.size > frame.SIZE
    assert pair.server.receive(b"more", (77,), pair.now) == []
    pair.server.close()
    assert pair.kernel.closed == [77]


def test_another_version_is_refused():
    """An end that speaks another version of the protocol is told so."""
    end = Session(0.0, QUIET, serving=Shop, posix=Kernel())
    body = b"\x93\x63\xa1x\x05"
    found = end.receive(frame.HEADER.pack(len(body), frame.HELLO, 0, 0, 0, 0) + body, (), 0.0)
    assert "version 99" in str(found[-1].error)
