"""The times of a log's parts."""

from snowfox.manager.output.index import pair, parse


def test_time_of_an_offset_is_that_of_the_pair_before_it() -> None:
    """An offset between two pairs was written at the first one's time, one before the first is unknown."""
    index = parse(pair(10, 1000) + pair(20, 2000))
    assert [index.at(offset) for offset in (0, 10, 19, 20, 99)] == [0, 1000, 1000, 2000, 2000]


def test_a_pair_cut_short_is_left_out() -> None:
    """A crash in the middle of a pair costs that pair only."""
    assert parse(pair(0, 1) + pair(5, 2)[:7]) == ([0], [1])
