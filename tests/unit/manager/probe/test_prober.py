"""Probes: again until ready, a bounded number at once."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from snowfox.core.clock import Clock, SystemClock
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import LaunchFailed
from snowfox.manager.alarm import Alarms
from snowfox.manager.probe import prober
from snowfox.manager.probe.prober import Means, Prober
from snowfox.service.event import Ailing, Event, ProbeAnswered, ProbeFailed, Unwell
from snowfox.service.spec import Alive, Ready
from snowfox.testing.clock import VirtualClock
from snowfox.testing.manager import until
from snowfox.values import Exit

BY_COMMAND = Ready(command=("check", "it"), every=0.0)


class World:
    """A prober whose helper does what the test says."""

    def __init__(self, answer: Callable[[], Awaitable[Exit]], clock: Clock | None = None) -> None:
        self.heard: list[Event] = []
        self.tries = 0
        self.under_way = 0
        self.most = 0
        self.answer = answer
        self.clock = clock or SystemClock()
        self.prober = Prober(
            Means(LinuxPosix(), self.clock, helper=self.helper, random=Random(1)),
            Alarms(self.clock, asyncio.get_running_loop()),
            self.heard.append,
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
    assert world.heard == [ProbeFailed("T", "check: exit 1"), ProbeAnswered("T")]


async def test_a_command_that_cannot_be_launched_is_a_failure() -> None:
    """What refused it is the reason."""

    async def answer() -> Exit:
        raise LaunchFailed("web@1.helper", "execute", "check", 2)

    world = World(answer)
    world.prober.start("web@1", "T", BY_COMMAND)
    await turns(5)
    assert "ENOENT" in str(world.heard[0])
    world.prober.stop("T")


async def test_who_does_not_listen_is_told_in_the_words_of_the_kernel() -> None:
    """With the name of the errno; nothing of how Python writes an address."""
    posix = LinuxPosix()
    bound = posix.sockets.bind("127.0.0.1:0")  # and nobody listens

    async def answer() -> Exit:
        raise AssertionError

    world = World(answer)
    world.prober.start("web", "T", Ready(tcp=posix.sockets.address(bound), every=0.0))
    await until(lambda: bool(world.heard), "a failure")
    world.prober.stop("T")
    posix.files.close(bound)
    assert world.heard[0] == ProbeFailed("T", "connection refused (ECONNREFUSED)")


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
    world.prober.stop("T")
    await turns(5)
    assert world.under_way == 0
    gate.set()
    await turns(5)
    assert world.heard == []


async def test_tries_are_bounded_and_none_is_forgotten() -> None:
    """Of 100 commands at most 16 are under way; the others follow."""
    gate = asyncio.Event()

    async def answer() -> Exit:
        await gate.wait()
        return Exit(0)

    world = World(answer)
    for number in range(100):
        world.prober.start("s", f"T{number}", BY_COMMAND)
    await turns(5)
    assert world.most == prober.MOST_HELPERS
    gate.set()
    await turns(200)
    assert world.heard == [ProbeAnswered(f"T{number}") for number in range(100)]


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
    await until(lambda: bool(world.heard), "a failure")
    assert world.heard == [ProbeFailed("T", "no answer in time")]
    world.prober.close()
    for writer in held:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


ALIVE = Alive(command=("check", "it"), every=10.0, timeout=2.0, failures=3)


async def test_what_does_not_answer_three_times_in_a_row_is_unwell(clock: VirtualClock) -> None:
    """Two failures and an answer count for nothing; three in a row are told, and again as long as it is so."""
    codes = [1, 1, 0, 1, 1, 1, 1, 1, 1]

    async def answer() -> Exit:
        return Exit(codes.pop(0))

    world = World(answer, clock)
    world.prober.watch("web", "T", ALIVE)
    await clock.advance(15.0)
    await clock.advance(80.0)
    one, two = Ailing("T", "check: exit 1, 1 of 3"), Ailing("T", "check: exit 1, 2 of 3")
    unwell = Unwell("T", "probe", "not alive: check: exit 1, 3 times in a row", 30.0)
    again = unwell.replace(silent=60.0)
    assert world.heard == [one, two, Ailing("T", ""), one, two, unwell, one, two, again]
    assert codes == []
    world.prober.unwatch("T")
    await clock.advance(60.0)
    assert world.tries == 9


async def test_a_try_that_takes_too_long_has_failed(clock: VirtualClock) -> None:
    """Its helper is ended; the next try keeps the rhythm."""

    async def answer() -> Exit:
        await asyncio.Event().wait()
        return Exit(0)

    world = World(answer, clock)
    world.prober.watch("web", "T", ALIVE.replace(failures=1))
    await clock.advance(30.0)
    text = "not alive: no answer in time"
    assert world.heard == [Unwell("T", "probe", text, one.silent) for one in world.heard]
    silences = [one.silent for one in world.heard]
    assert silences == [pytest.approx(silences[0] + later) for later in (0.0, 10.0, 20.0)]
    assert 7.0 <= silences[0] <= 17.0
    assert world.tries == 3
    world.prober.close()
    await clock.advance(1.0)
    assert world.under_way == 0


async def test_a_try_that_we_held_up_says_nothing(clock: VirtualClock) -> None:
    """A process that was stopped for half a minute finds no service dead for it."""

    async def answer() -> Exit:
        await asyncio.sleep(1.0)
        held.jump += 30.0
        await asyncio.Event().wait()
        return Exit(0)

    class Held(Clock):
        jump = 0.0

        def now(self) -> float:
            return clock.now() + self.jump

        wall = boot = clock.wall

    held = Held()
    world = World(answer, held)
    world.prober.watch("web", "T", ALIVE.replace(failures=1))
    await clock.advance(16.0)
    assert world.tries > 0
    assert world.heard == []
    world.prober.close()


async def test_a_thousand_are_not_asked_at_once(clock: VirtualClock) -> None:
    """What got ready together is asked at times of its own, over a whole `every`."""
    times: list[float] = []

    async def answer() -> Exit:
        times.append(clock.now())
        return Exit(0)

    world = World(answer, clock)
    for number in range(1000):
        world.prober.watch("web", f"T{number}", ALIVE)
    await clock.advance(15.0)
    assert len(times) == 1000
    counts = [sum(second <= one - 1005.0 < second + 1 for one in times) for second in range(10)]
    assert all(60 < count < 140 for count in counts), counts
    world.prober.close()
