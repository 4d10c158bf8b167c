"""Probes: again until ready, a bounded number at once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import LaunchFailed
from snowfox.manager.alarm import Alarms
from snowfox.manager.probe import prober
from snowfox.manager.probe.prober import Prober
from snowfox.service.spec import Ready
from snowfox.testing.manager import until
from snowfox.values import Exit

BY_COMMAND = Ready(command=("check", "it"), every=0.0)


class World:
    """A prober whose helper does what the test says."""

    def __init__(self, answer: Callable[[], Awaitable[Exit]]) -> None:
        self.passed: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str, str]] = []
        self.tries = 0
        self.under_way = 0
        self.most = 0
        self.answer = answer
        self.prober = Prober(
            LinuxPosix(),
            Alarms(SystemClock(), asyncio.get_running_loop()),
            helper=self.helper,
            passed=lambda *words: self.passed.append(words),
            failed=lambda *words: self.failed.append(words),
        )

    async def helper(self, instance: str, command: tuple[str, ...]) -> Exit:
        """Does what the test says, and counts."""
        assert command == ("check", "it")
        self.tries += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self.answer()
        finally:
            self.under_way -= 1


async def turns(count: int = 50) -> None:
    """So many turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_it_tries_until_it_answers_and_tells_a_failure_once() -> None:
    """Three tries, the first two failing alike: one failure told, one pass, nothing after it."""
    codes = [1, 1, 0]

    async def answer() -> Exit:
        return Exit(codes.pop(0))

    world = World(answer)
    world.prober.start("web@1", "T", BY_COMMAND)
    await turns()
    assert world.tries == 3
    assert world.failed == [("web@1", "T", "check: exit 1")]
    assert world.passed == [("web@1", "T")]


async def test_a_command_that_cannot_be_launched_is_a_failure() -> None:
    """What refused it is the reason."""

    async def answer() -> Exit:
        raise LaunchFailed("web@1.helper", "execute", "check", 2)

    world = World(answer)
    world.prober.start("web@1", "T", BY_COMMAND)
    await turns(5)
    assert "ENOENT" in world.failed[0][2]
    world.prober.stop("web@1")


async def test_stop_cancels_the_try() -> None:
    """A stopped probe tells nothing more, and ends what is under way."""
    gate = asyncio.Event()

    async def answer() -> Exit:
        await gate.wait()
        return Exit(0)

    world = World(answer)
    world.prober.start("web", "T", BY_COMMAND)
    await turns(5)
    assert world.under_way == 1
    world.prober.stop("web")
    await turns(5)
    assert world.under_way == 0
    gate.set()
    await turns(5)
    assert (world.passed, world.failed) == ([], [])


async def test_tries_are_bounded_and_none_is_forgotten() -> None:
    """Of 100 at most 32 are under way; the others follow."""
    gate = asyncio.Event()

    async def answer() -> Exit:
        await gate.wait()
        return Exit(0)

    world = World(answer)
    for number in range(100):
        world.prober.start(f"s{number}", "T", BY_COMMAND)
    await turns(5)
    assert world.most == prober.MOST_AT_ONCE
    gate.set()
    await turns(200)
    assert len(world.passed) == 100


async def test_an_address_without_an_answer_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service that accepts and says nothing does not hold a try for ever."""
    monkeypatch.setattr(prober, "LONGEST_TRY", 0.01)

    async def answer() -> Exit:
        return Exit(0)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    world = World(answer)
    world.prober.start("web", "T", Ready(http=f"127.0.0.1:{port}", every=60.0))
    await until(lambda: bool(world.failed), "a failure")
    assert world.failed == [("web", "T", "no answer in time")]
    world.prober.close()
    for writer in held:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()
