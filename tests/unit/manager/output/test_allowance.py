"""How much of what a service prints is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snowfox.manager.output.allowance import Allowance


def test_what_is_below_the_rate_stays_as_it_is() -> None:
    """A second's worth after silence too."""
    allowance = Allowance(100, 0.0)
    for second in range(5):
        assert allowance.take(b"x" * 100, float(second)) == (b"x" * 100, 0, 0)


def test_what_is_more_is_dropped_by_whole_lines_and_counted() -> None:
    """The next line that is kept comes after a line that tells what is missing."""
    allowance = Allowance(10, 0.0)
    assert allowance.take(b"one\ntwo\nthree\nfo", 0.0) == (b"one\ntwo\n", 8, 1)
    assert allowance.take(b"ur\nfive\n", 0.0) == (b"", 8, 2)
    kept, size, lines = allowance.take(b"six\n", 1.0)
    assert kept == b"... 3 lines (16) dropped here: more than log.rate = 10 a second\nsix\n"
    assert (size, lines) == (0, 0)


def test_the_end_of_a_line_goes_with_its_beginning() -> None:
    """What is left of a line whose beginning was dropped is dropped, also when there is room again."""
    allowance = Allowance(10, 0.0)
    assert allowance.take(b"x" * 20, 0.0).kept == b""
    assert allowance.take(b"xx\nnew\n", 5.0).kept.endswith(b"second\nnew\n")


def test_the_note_has_a_line_of_its_own() -> None:
    """Also where the line before it was kept without its end."""
    allowance = Allowance(4, 0.0)
    assert allowance.take(b"abcd", 0.0).kept == b"abcd"
    assert allowance.take(b"efgh\n", 0.0).kept == b""
    assert allowance.take(b"ij\n", 2.0).kept.startswith(b"\n... 1 lines (5) dropped here")


@given(st.lists(st.tuples(st.binary(max_size=50), st.floats(0, 2)), max_size=40), st.integers(1, 60))
def test_any_output_is_kept_or_counted(chunks: list[tuple[bytes, float]], rate: int) -> None:
    """Bytes in are bytes out and bytes counted; never more than the rate and a second's worth."""
    allowance = Allowance(rate, 0.0)
    now, kept, dropped = 0.0, 0, 0
    for data, pause in chunks:
        now += pause
        taken = allowance.take(data, now)
        kept += len(data) - taken.size
        dropped += taken.size
        assert taken.size <= len(data)
    assert kept + dropped == sum(len(data) for data, _ in chunks)
    assert kept <= rate * (now + 1) + 1
