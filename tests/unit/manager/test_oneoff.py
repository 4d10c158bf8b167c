"""`snowfox run`, with a spawner that is played."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from snowfox.contract.manager import RunOutput
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import UserError
from snowfox.manager.oneoff import MOST, OneOffs, Pipe
from snowfox.testing.changing import PlayedHost, PlayedManager
from snowfox.testing.clock import VirtualClock

WEB = '[service.web]\ncommand = ["web", "${INSTANCE}"]\nenvironment = { A = "1" }\n'
BESIDE = "web..run"


@pytest.fixture
async def manager(clock: VirtualClock) -> AsyncIterator[PlayedManager]:
    """One that runs a service."""
    made = await PlayedManager.begun(clock, PlayedHost(), WEB)
    yield made
    await made.close()


async def read(output: Any, into: list[RunOutput]) -> None:
    """All of it."""
    into.extend([item async for item in output])


async def test_its_end_is_told_and_kept(manager: PlayedManager) -> None:
    """The exit code; the journal knows who ran what beside which instance."""
    found: list[RunOutput] = []
    facts: list[Any] = []
    manager.node.bus.subscribe(None, facts.append)
    runs = OneOffs(manager.node).run("web", ["ls", "${X}"], who="anna")
    task = asyncio.ensure_future(read(runs, found))
    await manager.clock.advance("1s")
    assert manager.host.commands()[BESIDE] == ["ls", "${X}"]
    manager.host.end(BESIDE, code=3)
    await manager.clock.advance("1s")
    await task
    assert found == [RunOutput(b"", 3, None, last=True)]
    (ran,) = [one for one in facts if one.kind == "service.ran"]
    assert (ran.subject, ran.fact.who, ran.fact.command, ran.fact.code) == ("web", "anna", ["ls", "${X}"], 3)


async def test_without_a_command_it_is_that_of_the_service(manager: PlayedManager) -> None:
    """Filled in as for the instance; who goes away ends it."""
    runs = OneOffs(manager.node).run("web", [], who="anna")
    task = asyncio.ensure_future(read(runs, []))
    await manager.clock.advance("1s")
    assert manager.host.commands()[BESIDE] == ["web", "1"]
    task.cancel()
    await manager.clock.advance("1s")
    assert BESIDE not in manager.host.pids()
    assert "web" in manager.host.pids()


async def test_there_are_not_endlessly_many(manager: PlayedManager) -> None:
    """One too many is refused."""
    runs = OneOffs(manager.node)
    tasks = [asyncio.ensure_future(read(runs.run("web", ["x"], who="anna"), [])) for _ in range(MOST)]
    await manager.clock.advance("1s")
    with pytest.raises(UserError, match="64 others run"):
        await anext(runs.run("web", ["x"], who="anna"))
    for task in tasks:
        task.cancel()
    await manager.clock.advance("1s")


async def test_what_is_printed_waits_to_be_taken() -> None:
    """A chunk at a time; the next is read when that was taken, and the rest is there at the end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    pipe = Pipe(LinuxPosix(), asyncio.get_running_loop())
    pipe.attach(reader)
    os.write(writer, b"one")
    assert await pipe.take() == b"one"
    os.write(writer, b"two")
    os.close(writer)
    assert await pipe.take() == b"two"
    pipe.stir()
    assert await pipe.take() == b""
    assert pipe.rest() == b""
    pipe.close()
    pipe.close()
