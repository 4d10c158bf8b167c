"""Lines for a command that reads them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable

import pytest

from snowfox.contract.manager import LogLine
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import LaunchFailed, PosixError, SnowFoxError
from snowfox.manager.output.forward.command import Command
from snowfox.values import Exit


class Played:
    """Commands as they are run: the read end of each, and its end."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.exits: list[asyncio.Future[Exit]] = []
        self.refuses: SnowFoxError | None = None

    async def run(self, feed: Callable[[int], None]) -> Exit:
        """One more."""
        if self.refuses is not None:
            raise self.refuses
        read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.ends.append(read)
        self.exits.append(asyncio.get_running_loop().create_future())
        feed(write)
        return await self.exits[-1]

    def end(self) -> None:
        """The last one ends."""
        os.close(self.ends[-1])
        self.exits[-1].set_result(Exit(0))


async def test_it_reads_what_was_printed() -> None:
    """Started with the first line, ended by the end of what it reads."""
    played = Played()
    sink = Command(LinuxPosix(), played.run, as_json=False)
    await sink.send(
        [LogLine("a", 1, b"one\ntwo"), LogLine("a", 1, b"thr", is_part=True), LogLine("a", 1, b"ee")]
    )
    assert os.read(played.ends[0], 99) == b"one\ntwo\nthree\n"
    closing = asyncio.ensure_future(sink.close())
    await asyncio.sleep(0)
    assert os.read(played.ends[0], 99) == b""
    played.end()
    await closing


async def test_objects() -> None:
    """As `logs --json` prints them."""
    played = Played()
    sink = Command(LinuxPosix(), played.run, as_json=True)
    await sink.send([LogLine("a", 1, b'x\n{"level":"info"}', "errors")])
    rows = [json.loads(line) for line in os.read(played.ends[0], 999).splitlines()]
    assert rows == [
        {"instance": "a", "at": 1, "text": "x", "stream": "errors"},
        {
            "instance": "a",
            "at": 1,
            "text": '{"level":"info"}',
            "stream": "errors",
            "fields": {"level": "info"},
        },
    ]
    played.end()
    await sink.close()


async def test_one_that_ended_is_started_again() -> None:
    """What it did not take is an error, the next is another's."""
    played = Played()
    sink = Command(LinuxPosix(), played.run, as_json=False)
    await sink.send([LogLine("a", 1, b"one")])
    os.close(played.ends[0])
    with pytest.raises(PosixError):
        await sink.send([LogLine("a", 1, b"two")])
    await sink.send([LogLine("a", 1, b"two")])
    assert os.read(played.ends[1], 99) == b"two\n"
    played.end()
    await asyncio.sleep(0)
    await sink.send([LogLine("a", 1, b"three")])
    assert os.read(played.ends[2], 99) == b"three\n"
    played.end()
    await sink.close()


async def test_a_slow_one_is_waited_for() -> None:
    """More than a pipe holds goes as it is read."""
    played = Played()
    sink = Command(LinuxPosix(), played.run, as_json=False)
    sending = asyncio.ensure_future(sink.send([LogLine("a", 1, b"x" * 999_999)]))
    got = 0
    while got < 1_000_000:
        await asyncio.sleep(0)
        if played.ends:
            try:
                got += len(os.read(played.ends[0], 65536))
            except BlockingIOError:
                await asyncio.sleep(0.001)
    await sending
    played.end()
    await sink.close()


async def test_one_that_is_not_there() -> None:
    """Why it was not started is the error."""
    played = Played()
    played.refuses = LaunchFailed("a", "execute", "nowhere", 2)
    sink = Command(LinuxPosix(), played.run, as_json=False)
    with pytest.raises(LaunchFailed):
        await sink.send([LogLine("a", 1, b"one")])
    await sink.close()
