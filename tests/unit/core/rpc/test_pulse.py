"""Round trips and silence."""

from snowfox.core.rpc.session import Ended, Leaving
from snowfox.testing.rpc import QUIET, Pair, Shop


def test_a_round_trip_is_measured() -> None:
    """From the ping to its answer; a second ping meanwhile is not sent, an answer that nobody asked for is fine."""
    pair = Pair()
    pair.carry()
    pulse = pair.caller.pulse
    assert pulse.round_trip is None
    pulse.ping(pair.now)
    assert pulse.is_measuring
    waiting = pair.caller.outbox.size
    pulse.ping(pair.now)
    assert pair.caller.outbox.size == waiting
    pair.now += 0.25
    pair.carry()
    assert (pulse.round_trip, pulse.is_measuring) == (0.25, False)
    pulse.answered(pair.now + 5)
    assert pulse.round_trip == 0.25


def test_bytes_are_counted() -> None:
    """What one end sent the other received."""
    pair = Pair()
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert pair.caller.outbox.gone == pair.server.pulse.received > 0
    assert pair.server.outbox.gone == pair.caller.pulse.received > 0


IDLE = QUIET._replace(idle_after=8.0)


def until_ended(pair: Pair, most: float) -> float:
    """Seconds until the server has ended the session, looked at when it wants to; at most so many."""
    begin = pair.now
    while not pair.server.ended:
        when = pair.server.next_tick()
        assert when is not None
        if when - begin > most:
            break
        pair.pass_time(when - pair.now)
        pair.carry()
    return pair.now - begin


def test_an_idle_session_is_drained_then_ended() -> None:
    """It asks for no more requests after its time and ends a quarter of that later, in order."""
    pair = Pair(options=IDLE)
    pair.carry()
    assert until_ended(pair, 100) == 12.0  # the first look sees that it began, 2 s late
    assert pair.heard == [Leaving(), Ended(None)]


def test_calls_keep_a_session() -> None:
    """One under way does for as long as it takes, and its end counts; a ping does not count."""
    pair = Pair(options=IDLE)
    pair.call(Shop.price, "apple", 1, deadline=1000.0)
    pair.carry()
    until_ended(pair, 50)
    assert not pair.server.ended
    pair.server.answer(pair.asked[-1].request, 7)
    pair.carry()
    pair.caller.pulse.ping(pair.now)
    pair.carry()
    assert 8.0 <= until_ended(pair, 100) <= 14.0


def test_a_call_that_crosses_the_end() -> None:
    """Between the two steps it is served, and the session is not ended then."""
    pair = Pair(options=IDLE)
    pair.carry()
    until_ended(pair, 10.0)
    assert pair.heard == [Leaving()]
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    pair.server.answer(pair.asked[-1].request, 7)
    pair.carry()
    until_ended(pair, 4.0)
    assert not pair.server.ended


def test_without_idle_time_nothing_is_looked_at() -> None:
    """Off by default: no timer."""
    pair = Pair()
    pair.carry()
    assert pair.server.next_tick() is None
