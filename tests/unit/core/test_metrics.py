"""The metrics façade."""

from contextlib import contextmanager

from snowfox.core import metrics
from snowfox.core.metrics import Totals, counter, gauge, set_sink


@contextmanager
def sink(one):
    """Have this sink for a while."""
    before = set_sink(one)
    try:
        yield
    finally:
        set_sink(before)


def test_totals_add_up():
    """Counters add up per labels in any order, gauges keep the last value."""
    totals = Totals()
    with sink(totals):
        counter("calls").add(call="bind", errno="")
        counter("calls").add(2, errno="", call="bind")
        counter("calls").add(call="read", errno="")
        gauge("open").set(5)
        gauge("open").set(3)
    assert totals.value("calls", call="bind", errno="") == 3
    assert totals.value("calls", call="read", errno="") == 1
    assert totals.value("open") == 3
    assert totals.value("never") == 0


def test_series_are_bounded(monkeypatch):
    """More series than the bound are counted as dropped; known ones go on."""
    monkeypatch.setattr(metrics, "MOST_SERIES", 2)
    totals = Totals()
    with sink(totals):
        for number in range(5):
            counter("calls").add(number=str(number))
        counter("calls").add(number="0")
    assert (len(totals.series), totals.dropped) == (2, 3)
    assert totals.value("calls", number="0") == 2


def test_sink_that_raises_harms_nobody():
    """What a sink raises is counted and not passed on."""

    def broken(*_):
        raise OSError

    before = metrics.failures()
    with sink(broken):
        counter("calls").add()
        gauge("open").set(1)
    assert metrics.failures() - before == 2


def test_silent_without_sink():
    """Without a sink nothing happens."""
    with sink(None):
        counter("calls").add()
        gauge("open").set(1)
    assert set_sink(None) is None
