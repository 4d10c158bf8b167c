"""The log façade."""

import json
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core import log
from snowfox.core.log import get, json_bytes, json_line_sink, set_sink
from snowfox.core.trace import Trace, within
from snowfox.testing.clock import VirtualClock


@contextmanager
def sink(one):
    """Have this sink for a while."""
    before = set_sink(one)
    try:
        yield
    finally:
        set_sink(before)


def test_records_reach_the_sink():
    """Level, name, text, fields and the trace of the place reach the sink."""
    records = []
    with sink(records.append), within(Trace("t", "c")):
        get("a.b").warning("text", port=80)
        get("a.b").error("worse")
        get("a.b").info("fine")
        get("a.b").debug("detail")
    assert records[0] == ("warning", "a.b", "text", {"port": 80}, Trace("t", "c"))
    assert [record.level for record in records] == ["warning", "error", "info", "debug"]


def test_silent_without_sink():
    """Without a sink nothing happens, not even a failure."""
    before = log.failures()
    with sink(None):
        get("a").error("text", value=object())
    assert log.failures() == before


def test_sink_that_raises_harms_nobody():
    """What a sink raises is counted and not passed on, and the next record is tried again."""
    seen = []

    def broken(record):
        seen.append(record)
        raise OSError

    before = log.failures()
    with sink(broken):
        get("a").error("one")
        get("a").error("two")
    assert (len(seen), log.failures() - before) == (2, 2)


def test_json_line():
    """A line is one JSON object with time, level, name, text, trace and fields, written at once."""
    lines = []
    clock = VirtualClock(wall=5)
    with sink(json_line_sink(lines.append, clock=clock)), within(Trace("t", "c")):
        get("spawner").info('a "b"\n', name="x", ports=[1, 2.5], ok=True, none=None, nested={"k": "v"})
    assert len(lines) == 1
    assert lines[0].endswith(b"}\n")
    assert lines[0].count(b"\n") == 1
    assert json.loads(lines[0]) == {
        "at": 5,
        "level": "info",
        "name": "spawner",
        "text": 'a "b"\n',
        "trace": "t",
        "cause": "c",
        "name_": "x",
        "ports": [1, 2.5],
        "ok": True,
        "none": None,
        "nested": {"k": "v"},
    }


def test_least_level():
    """What is less important than asked for is not written."""
    lines = []
    with sink(json_line_sink(lines.append, least="warning")):
        get("a").info("no")
        get("a").warning("yes")
        get("a").error("yes")
    assert len(lines) == 2


def test_json_of_odd_values():
    """Surrogates, NaN, bytes, sets and foreign objects become valid JSON."""
    assert json.loads(json_bytes({"a": "\udc80"})) == {"a": "\udc80"}
    assert json.loads(json_bytes([float("nan"), float("inf"), b"\xff", {1}, KeyError("k")])) == [
        None,
        None,
        "\\xff",
        [1],
        "'k'",
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_json_equals_the_standard_librarys(value):
    """json.loads reads back any plain value, from one line."""
    data = json_bytes(value)
    assert json.loads(data) == value
    assert b"\n" not in data


def test_unknown_least_level_is_refused():
    """A level that there is not is an error where the sink is made."""
    with pytest.raises(ValueError, match="not in tuple"):
        json_line_sink(print, least="loud")
