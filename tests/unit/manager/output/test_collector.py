"""Output from FIFOs to files and followers, with real FIFOs and files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.manager.output import fifos as fifos_module
from snowfox.manager.output import logs, losses
from snowfox.manager.output.collector import Output
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.telling import Wanted
from snowfox.service.spec import Log


class Fifo:
    """A FIFO as a launch makes it: the service's end for reading and writing, ours for reading."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / name
        os.mkfifo(path)
        self.theirs = os.open(path, os.O_RDWR)
        self.ours = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def print(self, text: bytes) -> None:
        """Write as the service does."""
        os.write(self.theirs, text)

    def end(self) -> None:
        """Close the service's end."""
        os.close(self.theirs)


@pytest.fixture
async def output(tmp_path: Path) -> AsyncIterator[Output]:
    """Running, with a folder of its own."""
    (tmp_path / "logs").mkdir()
    folder = os.open(tmp_path / "logs", os.O_RDONLY | os.O_DIRECTORY)
    output = Output(LinuxPosix(), folder, clock=SystemClock(), loop=asyncio.get_running_loop())
    output.start()
    yield output
    assert output.close()
    os.close(folder)


async def lines(
    output: Output, instances: list[str], wanted: Wanted, follower: Follower | None = None
) -> list[bytes]:
    """What is told, line by line."""
    return [
        text async for line in output.told(instances, wanted, follower) for text in line.text.split(b"\n")
    ]


async def test_what_a_service_prints_is_in_its_file(output: Output, tmp_path: Path) -> None:
    """A line written to the FIFO is in the log, byte for byte."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web@1", fifo.ours, Log())
    fifo.print(b"hello\xff\n")
    await output.flush()
    assert (tmp_path / "logs/web@1/current").read_bytes() == b"hello\xff\n"
    fifo.end()


async def test_last_words_are_kept_and_the_end_closes_the_fifo(output: Output, tmp_path: Path) -> None:
    """What was written before the end is in the log; our descriptor is closed."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log())
    fifo.print(b"last words")
    fifo.end()
    while output.fifos._sources:
        await output.flush()
    assert (await output.tail("web", 1)).rest == b"last words"
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(fifo.ours)


async def test_follow_misses_nothing_and_doubles_nothing(output: Output, tmp_path: Path) -> None:
    """What there was and what follows join exactly, also over rotation and while somebody prints."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log(size=64, keep=100))
    fifo.print(b"0\n1\n2")
    await output.flush()
    follower = Follower(asyncio.get_running_loop())
    seen: list[bytes] = []
    told = output.told(["web"], Wanted(-1), follower)
    fifo.print(b"\n" + b"".join(b"%d\n" % number for number in range(3, 30)))
    async for line in told:
        seen += line.text.split(b"\n")
        fifo.print(b"%d\n" % (30 + len(seen)) if len(seen) < 5 else b"")
    fifo.print(b"end\n")
    while seen[-1] != b"end":
        for item in await asyncio.wait_for(follower.take(), 5):
            seen += item.text.split(b"\n")
    await output.flush()
    assert seen == await lines(output, ["web"], Wanted(-1))
    assert [int(line) for line in seen[:30]] == list(range(30))
    output.unfollow(follower)
    fifo.end()


async def test_several_are_merged_by_their_times(output: Output, tmp_path: Path) -> None:
    """Lines of two services come in the order in which they were printed."""
    fifos = [Fifo(tmp_path, name) for name in "ab"]
    for name, fifo in zip("ab", fifos, strict=True):
        output.attach(name, fifo.ours, Log())
    for number in range(6):
        fifos[number % 2].print(b"%d\n" % number)
        await output.flush()
        await asyncio.sleep(0.012)
    assert await lines(output, ["a", "b"], Wanted(2)) == [b"2", b"3", b"4", b"5"]
    assert await lines(output, ["a", "b"], Wanted(-1)) == [b"%d" % number for number in range(6)]
    for fifo in fifos:
        fifo.end()


async def test_a_slow_disk_holds_up_no_other_service(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While writes of one hang, another's lines are written and read back; then its own are, none lost."""
    slow, quick = Fifo(tmp_path, "a"), Fifo(tmp_path, "b")
    output.attach("slow", slow.ours, Log())
    output.attach("quick", quick.ours, Log())
    real, goes_on, hangs = output._posix.files.write, Event(), Event()

    def write(descriptor: int, data: bytes) -> int | None:
        if data[:4] == b"slow":
            hangs.set()
            goes_on.wait(10)
        return real(descriptor, data)

    monkeypatch.setattr(output._posix.files, "write", write)
    slow.print(b"slow\n")
    await asyncio.to_thread(hangs.wait, 5)
    for number in range(100):
        quick.print(b"%d\n" % number)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while await lines(output, ["quick"], Wanted(1)) != [b"99"]:  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.001)
    assert not (tmp_path / "logs/slow/current").stat().st_size
    goes_on.set()
    await output.flush()
    assert (tmp_path / "logs/slow/current").read_bytes() == b"slow\n"
    slow.end()
    quick.end()


async def test_lost_output_is_counted_with_its_reason(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses costs the output of that time only, and it is known how much."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log())
    real = output._posix.files.write
    full = True

    def write(descriptor: int, data: bytes) -> int | None:
        if full and data == b"lost\n":
            raise PosixError("write", "current", 28)
        return real(descriptor, data)

    monkeypatch.setattr(output._posix.files, "write", write)
    fifo.print(b"lost\n")
    await output.flush()
    assert output.losses.all()["web"].size == 5
    assert "ENOSPC" in output.losses.all()["web"].reason
    full = False
    fifo.print(b"kept\n")
    async with asyncio.timeout(5):
        while (tmp_path / "logs/web/current").read_bytes() != b"kept\n":  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.005)
    fifo.end()


async def test_more_than_the_rate_is_dropped_and_counted(output: Output, tmp_path: Path) -> None:
    """What is over the rate is not in the log; the count is."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log(rate=100))
    fifo.print(b"123456789\n" * 50)
    await output.flush()
    assert (tmp_path / "logs/web/current").read_bytes() == b"123456789\n" * 10
    assert output.losses.all()["web"] == (400, "more than its log.rate")
    output.limit("web", Log())
    fifo.print(b"all again\n")
    await output.flush()
    assert (await output.tail("web", 1)).lines[0][1] == b"all again"
    fifo.end()


async def test_launches_left_behind_keep_their_fifos_but_not_many(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one more than may be the oldest is closed, so that they cannot pile up."""
    monkeypatch.setattr(fifos_module, "_MOST_FIFOS", 2)
    fifos = [Fifo(tmp_path, str(number)) for number in range(3)]
    for fifo in fifos:
        output.attach("web", fifo.ours, Log())
    assert sorted(output.fifos._sources) == [fifos[1].ours, fifos[2].ours]
    fifos[1].print(b"one\n")
    fifos[2].print(b"two\n")
    await output.flush()
    assert {line for _, line in (await output.tail("web", 5)).lines} == {b"one", b"two"}
    for fifo in fifos:
        fifo.end()


async def test_a_new_name_takes_over_what_comes(output: Output, tmp_path: Path) -> None:
    """After a rename both names have their part."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log())
    fifo.print(b"before\n")
    await output.flush()
    output.rename("web", "front@1", Log())
    fifo.print(b"after\n")
    await output.flush()
    assert await lines(output, ["web"], Wanted(9)) == [b"before"]
    assert await lines(output, ["front@1"], Wanted(9)) == [b"after"]
    fifo.end()


async def test_rotation_on_demand_tells_whose(output: Output, tmp_path: Path) -> None:
    """What was printed before is in the file that was put aside, and only such logs are named."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log())
    fifo.print(b"before\n")
    assert await output.rotate(["web", "quiet"]) == ["web"]
    fifo.print(b"after\n")
    await output.flush()
    assert (tmp_path / "logs/web/current").read_bytes() == b"after\n"
    assert await lines(output, ["web"], Wanted(9)) == [b"before", b"after"]
    fifo.end()


async def test_little_is_held_whatever_the_number_of_instances(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 instances that printed few logs are open; those that are forgotten are found all the same."""
    monkeypatch.setattr(logs, "MOST_OPEN", 8)
    monkeypatch.setattr(logs, "MOST_KNOWN", 50)
    monkeypatch.setattr(losses, "MOST", 3)
    fifos = [Fifo(tmp_path, f"f{number}") for number in range(100)]
    for number, fifo in enumerate(fifos):
        output.attach(f"s{number}", fifo.ours, Log(rate=1))
        fifo.print(b"x\n")
    await output.flush()
    known: dict[str, Any] = output._logs._known
    assert len(known) <= 59
    assert sum(log.is_open for log in known.values()) <= 9
    assert len(output.losses.all()) == 3
    output.limit("s0", Log())
    fifos[0].print(b"here\n")
    await output.flush()
    assert (await output.tail("s0", 1)).lines[0][1] == b"here"
    for fifo in fifos:
        fifo.end()
