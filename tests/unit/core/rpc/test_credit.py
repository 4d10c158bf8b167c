"""Streams whose reader is slow: who sends waits for credit."""

from snowfox.core.rpc import frame
from snowfox.core.rpc.happening import Credited, Ended
from snowfox.errors import ProtocolError
from snowfox.testing.rpc import Pair, Shop


def _fill(pair: Pair) -> int:
    """Send items of a stream as far as their reader takes them; how many."""
    count = 0
    while pair.server.may_send(1):
        pair.server.item(1, "x" * 10_000)
        count += 1
    pair.carry()
    return count


def test_a_slow_reader_slows_its_stream():
    """Who sends stops at the window, and goes on when a good part of it was read; told once, not for each item."""
    pair = Pair()
    request = pair.call(Shop.sales, "apple")
    pair.carry()
    size = frame.SIZE + 10_003
    assert _fill(pair) == frame.WINDOW // size + 1
    for _ in range(6):
        pair.caller.took(request, size)
    pair.carry()
    assert not pair.server.may_send(1)
    pair.caller.took(request, size)
    pair.carry()
    assert pair.asked[-1] == Credited(1)
    assert _fill(pair) == 7
    assert len(pair.heard) == frame.WINDOW // size + 8
    assert not pair.caller.ended


def test_credit_for_nothing():
    """Of a stream that is over, or that never was, nobody minds; it never adds up to more than the window."""
    pair = Pair()
    request = pair.call(Shop.sales, "apple")
    pair.carry()
    pair.caller.outbox.put(frame.CREDIT, request, number=1 << 31)
    pair.caller.outbox.put(frame.CREDIT, 77, number=1 << 31)
    pair.carry()
    assert _fill(pair) == frame.WINDOW // (frame.SIZE + 10_003) + 1
    pair.server.end(1)
    pair.carry()
    pair.caller.took(request, 1 << 20)
    assert pair.caller.outbox.size == 0


def test_who_sends_more_than_is_taken_loses_the_session():
    """The reader's memory is its own."""
    pair = Pair()
    pair.call(Shop.sales, "apple")
    pair.carry()
    _fill(pair)
    pair.server.item(1, "one more")
    pair.carry()
    assert isinstance(pair.heard[-1], Ended)
    assert isinstance(pair.heard[-1].error, ProtocolError)
