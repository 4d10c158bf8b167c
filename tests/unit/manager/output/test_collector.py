"""Output from FIFOs to files and followers, with real FIFOs and files."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.manager.output import collector, writer
from snowfox.manager.output.collector import Output
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.writer import Written
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


async def written(output: Output) -> None:
    """Let the loop read and the thread write."""
    for _ in range(3):
        await asyncio.sleep(0)
        await output.flush()


async def test_what_a_service_prints_is_in_its_file(output: Output, tmp_path: Path) -> None:
    """A line written to the FIFO is in the log, byte for byte."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web@1", fifo.ours, Log())
    fifo.print(b"hello\xff\n")
    await written(output)
    assert (tmp_path / "logs/web@1/current").read_bytes() == b"hello\xff\n"
    fifo.end()


async def test_last_words_are_kept_and_the_end_closes_the_fifo(output: Output, tmp_path: Path) -> None:
    """What was written before the end is in the log; our descriptor is closed."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log())
    fifo.print(b"last words")
    fifo.end()
    await written(output)
    assert (await output.tail("web", 1)).rest == b"last words"
    await written(output)
    assert not output._sources


async def test_follow_misses_nothing_and_doubles_nothing(output: Output, tmp_path: Path) -> None:
    """Tail and what follows join exactly, also over rotation."""
    fifo = Fifo(tmp_path, "a")
    output.attach("web", fifo.ours, Log(size=64, keep=3))
    fifo.print(b"0\n1\n2")
    await written(output)
    follower = Follower(asyncio.get_running_loop())
    tail = await output.tail("web", 10, follower)
    seen = [line for _, line in tail.lines]
    fifo.print(b"\n" + b"".join(b"%d\n" % number for number in range(3, 60)))
    while len(seen) < 60:
        for item in await asyncio.wait_for(follower.take(), 5):
            seen += item.text.split(b"\n")
    assert [int(line) for line in seen] == list(range(60))
    output.unfollow(follower)
    fifo.end()


async def test_a_service_waits_while_its_output_waits_for_the_disk(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the bound the FIFO is not read; it goes on once the disk took what waits, and nothing is lost."""
    monkeypatch.setattr(collector, "MOST_OF_ONE", 1000)
    fifo = Fifo(tmp_path, "a")
    os.set_blocking(fifo.theirs, False)
    output.attach("web", fifo.ours, Log())
    sent = 0
    for number in range(2000):
        line = b"%06d\n" % number
        try:
            os.write(fifo.theirs, line)
        except BlockingIOError:
            await asyncio.sleep(0)
            continue
        sent += len(line)
        if number % 50 == 0:
            await asyncio.sleep(0)
    for _ in range(100):
        await written(output)
    assert (tmp_path / "logs/web/current").stat().st_size == sent
    fifo.end()


async def test_what_is_known_of_instances_is_bounded(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that printed last, with lost output or not; the log of one that was forgotten is found all the same."""
    monkeypatch.setattr(collector, "MOST_LOST", 3)
    monkeypatch.setattr(writer, "MOST_KNOWN", 3)
    monkeypatch.setattr(writer, "MOST_OPEN", 2)
    for number in range(6):
        fifo = Fifo(tmp_path, f"f{number}")
        output.attach(f"web{number}", fifo.ours, Log())
        fifo.print(b"here\n")
        await written(output)
    assert set(output._writer._logs) >= {"web4", "web5"}
    assert len(output._writer._logs) == 3
    assert [line for _, line in (await output.tail("web0", 1)).lines] == [b"here"]
    output._written([Written(f"web{number}", 0, 5, "no space left") for number in range(6)])
    assert list(output.lost) == ["web3", "web4", "web5"]


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
    await written(output)
    assert output.lost["web"].size == 5
    assert "ENOSPC" in output.lost["web"].reason
    full = False
    fifo.print(b"kept\n")
    await written(output)
    assert (tmp_path / "logs/web/current").read_bytes() == b"kept\n"
    fifo.end()


async def test_a_launch_left_behind_keeps_its_fifo_but_only_one(output: Output, tmp_path: Path) -> None:
    """With a third FIFO of an instance the oldest is closed, so that they cannot pile up."""
    fifos = [Fifo(tmp_path, str(number)) for number in range(3)]
    for fifo in fifos:
        output.attach("web", fifo.ours, Log())
    assert sorted(output._sources) == [fifos[1].ours, fifos[2].ours]
    fifos[1].print(b"one\n")
    fifos[2].print(b"two\n")
    await written(output)
    assert {line for _, line in (await output.tail("web", 5)).lines} == {b"one", b"two"}
    for fifo in fifos:
        fifo.end()


async def test_few_files_are_open_whatever_the_number_of_instances(output: Output, tmp_path: Path) -> None:
    """Of 100 instances that printed, at most 64 logs are open."""
    fifos = [Fifo(tmp_path, str(number)) for number in range(100)]
    for number, fifo in enumerate(fifos):
        output.attach(f"s{number}", fifo.ours, Log())
        fifo.print(b"x\n")
    await written(output)
    assert len(output._writer._open) <= 64
    assert len(list((tmp_path / "logs").iterdir())) == 100
    for fifo in fifos:
        fifo.end()
