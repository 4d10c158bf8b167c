"""Whole lines for who reads along."""

import asyncio

from snowfox.contract.manager import LogLine
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.reading import LONGEST


async def test_lines_are_whole_whatever_the_chunks_are() -> None:
    """A line that came in three chunks, the first read back from the file, is one line."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web", b"he")
    follower.put("web", b"ll", 1)
    follower.put("web", b"o\nnext\nla", 2)
    assert await follower.take() == [LogLine("web", 2, b"hello\nnext")]


async def test_what_comes_before_the_tail_was_read_comes_after_it() -> None:
    """Chunks wait until it is known where their first line begins."""
    follower = Follower(asyncio.get_running_loop())
    follower.put("web", b"one\n", 1)
    await asyncio.sleep(0)
    follower.begin("web")
    assert await follower.take() == [LogLine("web", 1, b"one")]


async def test_take_waits_for_a_line() -> None:
    """A waiting reader is woken by the next line, not by half of one."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web")
    waiting = asyncio.ensure_future(follower.take())
    await asyncio.sleep(0)
    follower.put("web", b"ha", 1)
    await asyncio.sleep(0)
    assert not waiting.done()
    follower.put("web", b"lf\n", 2)
    assert await waiting == [LogLine("web", 2, b"half")]


async def test_the_second_stream_is_told_apart() -> None:
    """Lines of the log of errors are those of the instance, with their stream."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web@1/errors")
    follower.put("web@1/errors", b"oh\n", 1)
    assert await follower.take() == [LogLine("web@1", 1, b"oh", "errors")]


async def test_a_slow_reader_misses_something_and_is_told_how_much() -> None:
    """Memory has a bound, nobody waits, and the reader knows; afterwards it gets everything again."""
    follower = Follower(asyncio.get_running_loop(), most=1000)
    follower.begin("web")
    for _ in range(100):
        follower.put("web", b"x" * 99 + b"\n", 1)
    lines = await follower.take()
    assert b"\n".join(line.text for line in lines[:-1]) == b"\n".join([b"x" * 99] * 10)
    assert lines[-1].text == b"... 8.8K of output skipped: the reader is too slow"
    assert follower.skipped == 9000
    follower.put("web", b"again\n", 2)
    assert await follower.take() == [LogLine("web", 2, b"again")]


async def test_an_endless_line_comes_in_parts() -> None:
    """A line without an end does not grow in memory; its last part ends it."""
    follower = Follower(asyncio.get_running_loop())
    follower.begin("web")
    follower.put("web", b"x" * (LONGEST * 2 + 5), 1)
    assert [(len(line.text), line.is_part) for line in await follower.take()] == [(LONGEST, True)] * 2
    follower.put("web", b"\n", 1)
    assert await follower.take() == [LogLine("web", 1, b"xxxxx")]
