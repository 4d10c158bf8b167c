"""What metrics and log are told of calls."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from snowfox.core import log, metrics
from snowfox.core.clock import using
from snowfox.core.metrics import Totals
from snowfox.core.rpc import frame, seen
from snowfox.errors import ConnectionLost, NotFound
from snowfox.testing.clock import VirtualClock
from snowfox.testing.rpc import QUIET, Pair, Shop


@pytest.fixture
def totals() -> Iterator[Totals]:
    """What was counted meanwhile."""
    found = Totals()
    before = metrics.set_sink(found)
    yield found
    metrics.set_sink(before)


@contextmanager
def heard(least: str = "debug") -> Iterator[list[bytes]]:
    """Lines of the log."""
    lines: list[bytes] = []
    before = log.set_sink(log.json_line_sink(lines.append, least=least))
    yield lines
    log.set_sink(before)


def calls(totals: Totals, side: str, method: str, outcome: str) -> float:
    """How many ended so."""
    return totals.value("snowfox_rpc_calls_total", side=side, method=method, outcome=outcome)


def test_both_ends_tell_sizes_and_durations(totals: Totals) -> None:
    """A call that succeeds: begun, ended, its time by the clock, the same bytes out of one end and into the other."""
    pair = Pair()
    clock = VirtualClock()
    with using(clock):
        pair.call(Shop.price, "apple", 2)
        pair.carry()
        clock.advance(0.25)
        pair.server.answer(pair.asked[-1].request, 7)
        pair.carry()
    for side in (seen.CALLER, seen.SERVER):
        assert totals.value("snowfox_rpc_begun_total", side=side, method="Shop.price") == 1
        assert calls(totals, side, "Shop.price", "ok") == 1
        assert totals.value("snowfox_rpc_seconds_total", side=side, method="Shop.price") == 0.25

    def size(side: str, way: str) -> float:
        return totals.value("snowfox_rpc_bytes_total", side=side, method="Shop.price", way=way)

    assert size("caller", "out") == size("server", "in") > 5
    assert size("caller", "in") == size("server", "out") >= 1


def test_failures_have_the_name_of_their_error(totals: Totals) -> None:
    """Refused by a handler, by a right, cancelled, late, cut off: each is told once, at both ends."""
    pair = Pair()
    pair.call(Shop.price, "pear", 1)
    pair.carry()
    pair.server.refuse(pair.asked[-1].request, NotFound("there is no pear"))
    pair.carry()
    cancelled = pair.call(Shop.price, "plum", 1)
    pair.carry()
    pair.caller.cancel(cancelled)
    pair.carry()
    pair.call(Shop.price, "late", 1, deadline=1.0)
    pair.carry()
    pair.pass_time(2.0)
    pair.carry()
    pair.call(Shop.price, "cut", 1)
    pair.carry()
    pair.caller.lost(ConnectionLost("cut"))
    pair.server.lost(ConnectionLost("cut"))
    pair.caller.close()
    pair.server.close()
    for side in (seen.CALLER, seen.SERVER):
        found = [
            calls(totals, side, "Shop.price", outcome)
            for outcome in ("NotFound", "Cancelled", "DeadlineExceeded", "ConnectionLost")
        ]
        assert found == [1, 1, 1, 1]
        assert totals.value("snowfox_rpc_begun_total", side=side, method="Shop.price") == 4


def test_a_call_without_right(totals: Totals) -> None:
    """It is told though it never comes to a handler."""
    pair = Pair(options=QUIET._replace(rights=frozenset()))
    pair.call(Shop.close_down)
    pair.carry()
    assert calls(totals, "server", "Shop.close_down", "NotPermitted") == 1
    assert calls(totals, "caller", "Shop.close_down", "NotPermitted") == 1


def test_a_call_of_what_there_is_not(totals: Totals) -> None:
    """It is told under one name, whatever names the other end invents."""
    pair = Pair(serving=None)
    pair.call(Shop.close_down)
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert calls(totals, "server", "unknown", "Incompatible") == 2


def test_streams_count_their_items(totals: Totals) -> None:
    """All bytes of all items, and one end."""
    pair = Pair()
    pair.call(Shop.sales, "apple")
    pair.carry()
    request = pair.asked[-1].request
    for _ in range(3):
        pair.server.item(request, "x" * 100)
    pair.server.end(request)
    pair.carry()
    for side, way in (("server", "out"), ("caller", "in")):
        assert totals.value("snowfox_rpc_bytes_total", side=side, method="Shop.sales", way=way) >= 300
        assert calls(totals, side, "Shop.sales", "ok") == 1


def test_records_of_the_log() -> None:
    """Who listens to details hears begin and end, with the link and the number of the request."""
    with heard() as lines:
        pair = Pair()
        pair.call(Shop.price, "apple", 1)
        pair.carry()
        pair.server.refuse(pair.asked[-1].request, NotFound("there is no apple"))
        pair.carry()
    texts = [(line.split(b'"text":"')[1].split(b'"')[0], b'"side":"caller"' in line) for line in lines]
    assert sorted(texts) == [
        (b"a call began", False),
        (b"a call began", True),
        (b"a call failed", False),
        (b"a call failed", True),
    ]
    assert all(b'"link":"test"' in line and b'"request":1' in line for line in lines)
    assert sum(b'"outcome":"NotFound"' in line for line in lines) == 2


def test_nothing_is_made_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not for a log that takes only what is important."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(seen, "Seen", never)
    with heard("info") as lines:
        pair = Pair()
        pair.call(Shop.price, "apple", 1)
        pair.carry()
        pair.server.answer(pair.asked[-1].request, 7)
        pair.carry()
    assert lines == []
    assert frame.SIZE < pair.caller.pulse.received < pair.server.pulse.received
