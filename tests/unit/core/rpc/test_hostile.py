"""Two sessions that do anything in any order, and a peer that sends anything at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.core.rpc import frame
from snowfox.core.rpc.happening import Answered, Called, Ended, Failed, StreamEnded
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.session import Session
from snowfox.core.trace import Trace, within
from snowfox.errors import NotFound, ProtocolError
from snowfox.testing.rpc import QUIET, Kernel, Pair, Shop

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
