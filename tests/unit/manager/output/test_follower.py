"""Whole lines for who reads along."""

import asyncio

import pytest

from snowfox.contract.manager import LogLine
from snowfox.errors import PeerError
from snowfox.manager.output.files import Tail
from snowfox.manager.output.follower import (
    LONGEST_LINE,
    MOST_WAITING,
    Follower,
    lines_of,
    pieces,
)


async def test_lines_are_whole_whatever_the_chunks_are() -> None:
    """A line that came in three chunks, the first read back from the file, is one line."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web", Tail([], b"he", 0))
    follower.feed("web", b"ll", 1)
    follower.feed("web", b"o\nnext\nla", 2)
    assert await follower.take() == [LogLine("web", 2, b"hello\nnext")]


async def test_what_comes_before_the_tail_was_read_comes_after_it() -> None:
    """Chunks wait until it is known where their first line begins."""
    follower = Follower(asyncio.get_running_loop())
    follower.feed("web", b"one\n", 1)
    follower.begin("web", Tail([], b"", 0))
    assert await follower.take() == [LogLine("web", 1, b"one")]


async def test_take_waits_for_a_line() -> None:
    """A waiting reader is woken by the next line, not by half of one."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web", Tail([], b"", 0))
    waiting = asyncio.ensure_future(follower.take())
    await asyncio.sleep(0)
    follower.feed("web", b"ha", 1)
    await asyncio.sleep(0)
    assert not waiting.done()
    follower.feed("web", b"lf\n", 2)
    assert await waiting == [LogLine("web", 2, b"half")]


async def test_a_slow_reader_is_dropped_with_a_reason() -> None:
    """More than the bound waiting ends the reading by an error, and holds no more memory."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web", Tail([], b"", 0))
    for _ in range(MOST_WAITING // (1 << 16) + 2):
        follower.feed("web", b"x" * 65535 + b"\n", 1)
    with pytest.raises(PeerError, match="too slow"):
        await follower.take()


async def test_an_endless_line_comes_in_pieces() -> None:
    """A line without an end does not grow in memory."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web", Tail([], b"", 0))
    follower.feed("web", b"x" * (LONGEST_LINE * 2 + 5), 1)
    assert [len(line.text) for line in await follower.take()] == [LONGEST_LINE, LONGEST_LINE]


def test_rest_counts_as_a_line_only_where_asked() -> None:
    """`logs` without -f shows an unfinished last line within its count."""
    tail = Tail([(1, b"a"), (2, b"b")], b"c", 3)
    assert [line.text for line in lines_of("web", tail, 2, with_rest=True)] == [b"b", b"c"]
    assert [line.text for line in lines_of("web", tail, 2, with_rest=False)] == [b"a", b"b"]


def test_lines_are_cut_between_lines() -> None:
    """Many lines come in items of bounded size, none of them cut apart."""
    text = b"\n".join([b"x" * 1000] * 200)
    parts = pieces(text)
    assert b"\n".join(parts) == text
    assert max(map(len, parts)) <= LONGEST_LINE
