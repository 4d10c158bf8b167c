"""What users write: durations, sizes, names, signals, exits."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.values import (
    LONGEST_NAME,
    UNKNOWN_EXIT,
    Exit,
    duration,
    duration_text,
    exact_size_text,
    is_name,
    signal_name,
    signal_number,
    size,
    size_text,
    span_text,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500ms", 0.5), ("10s", 10), ("1.5s", 1.5), ("2m", 120), ("2h", 7200), ("1d", 86400), ("0s", 0)],
)
def test_durations(text, value):
    """Each unit means its seconds."""
    assert duration(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "5S", "1h30m", "5s\n", "٣s", "1e3s", ".5s"])
def test_no_durations(text):
    """Everything else is refused, with the text in the sentence."""
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0s"), (0.5, "500ms"), (60, "1m"), (90, "90s"), (3600, "1h"), (86400, "1d"), (0.0005, "0.5ms")],
)
def test_duration_texts(value, text):
    """The largest unit that is exact is taken."""
    assert duration_text(value) == text


@given(st.integers(0, 10**12))
def test_duration_round_trip(milliseconds):
    """What is printed reads as the same, to the millisecond."""
    assert duration(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("64K", 65536), ("512M", 512 << 20), ("2G", 2 << 30)])
def test_sizes(text, value):
    """Each unit is a power of 1024."""
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "K", "1.5M", "64k", "64KB", "-1", "٣", "1K\n"])
def test_no_sizes(text):
    """Everything else is refused, with the text in the sentence."""
    with pytest.raises(ValueError, match="is not a size"):
        size(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1.0K"),
        (12_700_000, "12.1M"),
        ((1 << 20) - 1, "1.0M"),
        (3 << 30, "3.0G"),
        (5 << 40, "5120.0G"),
    ],
)
def test_size_texts(count, text):
    """For people: one digit, and never 1024 of a unit that has a larger one."""
    assert size_text(count) == text


@pytest.mark.parametrize("text", ["0", "1", "1500", "64K", "1500K", "20M", "3G", "2048G"])
def test_exact_size_texts(text):
    """What was written in the shortest way comes back."""
    assert exact_size_text(size(text)) == text


@pytest.mark.parametrize("text", ["a", "shop.web", "A-1_b.c", "x" * LONGEST_NAME])
def test_names(text):
    """Parts of letters, digits, dash and underscore, joined by dots."""
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a b", "a/b", "a\n", "web@1", "é", "x" * (LONGEST_NAME + 1)]
)
def test_no_names(text):
    """Everything else, and what is too long for a file's name."""
    assert not is_name(text)


@pytest.mark.parametrize(
    ("text", "number"), [("TERM", 15), ("SIGHUP", 1), ("usr1", 10), ("9", 9), ("64", 64)]
)
def test_signals(text, number):
    """By name, with and without SIG, in any case, and by number."""
    assert signal_number(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "NOPE", "SIG", "-9", "²", "_DFL"])
def test_no_signals(text):
    """Everything else is refused, with the text in the sentence."""
    with pytest.raises(ValueError, match="is not a signal"):
        signal_number(text)


def test_signal_names():
    """A named signal by its name, others by number, and back."""
    assert (signal_name(15), signal_name(40)) == ("TERM", "40")
    assert all(signal_number(signal_name(number)) == number for number in signal.valid_signals())


def test_exits():
    """An exit says how: by code, by signal, or unknown, which is not 0."""
    assert str(Exit(0)) == "exit 0"
    assert str(Exit(signal=9)) == "killed by signal 9 (KILL)"
    assert str(UNKNOWN_EXIT) == "exit unknown"
    assert UNKNOWN_EXIT.is_unknown
    assert not Exit(0).is_unknown
    assert Exit(0) != UNKNOWN_EXIT


def test_span_text_for_people():
    """One unit, tenths below ten seconds and less below a tenth, the next unit from twice its length on."""
    spans = {
        0: "0 s",
        0.0004: "0 s",
        0.0042: "0.004 s",
        0.009: "0.009 s",
        0.034: "0.03 s",
        0.096: "0.1 s",
        1.23: "1.2 s",
        7.0: "7 s",
        9.96: "10 s",
        119: "119 s",
        120: "2 m",
        7200: "2 h",
    }
    assert {seconds: span_text(seconds) for seconds in spans} == spans
    assert span_text(3 * 86400) == "3 d"
