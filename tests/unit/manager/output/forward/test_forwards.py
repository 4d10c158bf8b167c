"""Who gets what services print, over restarts of whoever takes it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from snowfox.core.backoff import Backoff
from snowfox.core.clock import SystemClock
from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.output.collector import Output
from snowfox.manager.output.forward import forwards
from snowfox.service.spec import Forward, Log


@pytest.fixture
async def output(tmp_path: Path) -> AsyncIterator[Output]:
    """Running, with a folder of its own."""
    (tmp_path / "logs").mkdir()
    folder = os.open(tmp_path / "logs", os.O_RDONLY | os.O_DIRECTORY)
    output = Output(LinuxPosix(), folder, clock=SystemClock(), loop=asyncio.get_running_loop())
    output.start()
    yield output
    await output.finish()
    assert output.close()
    os.close(folder)


class Server:
    """Takes datagrams."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)

    async def next(self) -> bytes:
        """The text of the next message."""
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 99_999), 5)
        return data.partition(b" - ")[2]


def fifo(folder: Path, name: str) -> tuple[int, int]:
    """Their end and ours."""
    os.mkfifo(folder / name)
    theirs = os.open(folder / name, os.O_RDWR)
    return theirs, os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK)


async def test_lines_go_where_they_are_to_go(output: Output, tmp_path: Path) -> None:
    """From when it is wanted until it is not, those of all instances in one queue, and into the log as well."""
    server = Server(tmp_path / "server")
    log = Log(forward=Forward(syslog=f"unix:{tmp_path}/server"))
    writers = []
    for name in ("web@1", "web@2"):
        theirs, ours = fifo(tmp_path, name)
        output.attach(name, ours, log)
        os.write(theirs, name.encode() + b"\n")
        writers.append(theirs)
    assert {await server.next(), await server.next()} == {b"web@1", b"web@2"}
    assert len(output.forwards._known) == 1
    output.limit("web@1", Log())
    os.write(writers[0], b"silent\n")
    await output.flush()
    os.write(writers[1], b"heard\n")
    assert await server.next() == b"heard"
    assert [line for _, line in (await output.tail("web@1", 1)).lines] == [b"silent"]
    output.limit("web@2", Log())
    assert not output.forwards._known
    server.socket.close()
    for writer in writers:
        os.close(writer)


async def test_who_is_away_gets_it_later(
    output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The problem is told while it lasts; the service and its log are not concerned."""
    monkeypatch.setattr(forwards, "_RETRY", Backoff(0.01, 1.0, 0.01))
    theirs, ours = fifo(tmp_path, "web")
    output.attach("web", ours, Log(forward=Forward(syslog=f"unix:{tmp_path}/server")))
    os.write(theirs, b"first\n")
    async with asyncio.timeout(5):
        while not output.forwards.problems:  # noqa: ASYNC110 - nobody else is told
            await asyncio.sleep(0.001)
    assert list(output.forwards.problems) == [f"syslog unix:{tmp_path}/server"]
    assert [line for _, line in (await output.tail("web", 1)).lines] == [b"first"]
    server = Server(tmp_path / "server")
    assert await server.next() == b"first"
    os.write(theirs, b"second\n")
    assert await server.next() == b"second"
    assert not output.forwards.problems
    server.socket.close()
    os.close(theirs)


async def test_what_was_printed_last_is_sent_before_the_end(output: Output, tmp_path: Path) -> None:
    """All that was printed is on its way once `finish` returns."""
    server = Server(tmp_path / "server")
    theirs, ours = fifo(tmp_path, "web")
    output.attach("web", ours, Log(forward=Forward(syslog=f"unix:{tmp_path}/server")))
    os.write(theirs, b"".join(b"%d\n" % number for number in range(5)))
    os.close(theirs)
    await output.finish()
    assert [await server.next() for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    server.socket.close()


async def test_a_log_of_another_name_goes_to_its_own_places(output: Output, tmp_path: Path) -> None:
    """After a rename the places are those of the new name."""
    server = Server(tmp_path / "server")
    theirs, ours = fifo(tmp_path, "web")
    output.attach("web", ours, Log())
    output.rename("web", "front", Log(forward=Forward(syslog=f"unix:{tmp_path}/server")))
    os.write(theirs, b"here\n")
    assert await server.next() == b"here"
    known: Any = output.forwards._known
    assert [one.logs for one in known.values()] == [{"front"}]
    server.socket.close()
    os.close(theirs)
