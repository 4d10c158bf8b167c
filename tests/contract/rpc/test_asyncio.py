"""What the asyncio shells owe beyond the others: promises, tasks, listening, grants, slow readers."""

import asyncio
import gc
import os

import pytest

from snowfox.core import log
from snowfox.core.deadline import deadline
from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc import frame
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.endpoint import Endpoint
from snowfox.core.rpc.fast import fast
from snowfox.core.rpc.interface import Interface, Right, call, stream
from snowfox.core.rpc.message import small
from snowfox.core.rpc.server import current, handles, serve, table
from snowfox.core.trace import Trace, within
from snowfox.core.trace import current as current_trace
from snowfox.errors import (
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    InternalError,
    NotPermitted,
    PosixError,
)

pytestmark = pytest.mark.usefixtures("kernel")


class Bench(Interface):
    @call(right=Right.READ)
    def add(self, one: int, other: int) -> int:
        """The sum."""

    @call(right=Right.READ)
    def slow(self) -> None:
        """Never answered."""

    @call(right=Right.READ)
    def who(self) -> list[str]:
        """Uid of the caller, and its trace."""

    @call(right=Right.READ)
    def broken(self) -> None:
        """Fails."""

    @stream(right=Right.READ)
    def flood(self) -> bytes:
        """Without end."""


class Handlers:
    def __init__(self):
        self.cancelled = asyncio.Event()
        self.made = 0
        self.tasks = set()

    @handles(Bench.add)
    def add(self, one, other):
        """In place."""
        self.tasks.add(asyncio.current_task())
        return one + other

    @handles(Bench.slow)
    async def slow(self):
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    @handles(Bench.who)
    async def who(self):
        """Whom the kernel names."""
        trace = current_trace()
        return [str(current().peer.uid), trace.id if trace else ""]

    @handles(Bench.broken)
    async def broken(self):
        """A mistake."""
        raise KeyError("inside")

    @handles(Bench.flood)
    async def flood(self):
        """Items as fast as they are taken."""
        try:
            while True:
                self.made += 1
                yield b"x" * 10_000
        finally:
            self.cancelled.set()


class Free(Interface):
    @stream()
    def flood(self) -> bytes:
        """Without end, for everybody."""


class FreeHandlers(Handlers):
    @handles(Free.flood)
    async def flood(self):
        """Items as fast as they are taken."""
        async for item in Handlers.flood(self):
            yield item


@pytest.fixture
def listener(kernel, tmp_path):
    """A listening socket."""
    made = kernel.sockets.bind(f"unix:{tmp_path}/s")
    kernel.sockets.listen(made, 10)
    yield made
    kernel.files.close(made)


def _all(_):
    return Right.ALL


async def _until(true):
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def test_connect_and_call(listener, tmp_path):
    """A client connects by path, or by a folder and a name in it, and gets its answers."""
    async with serve(listener, Bench, Handlers(), grants=_all) as server:
        async with connect(f"unix:{tmp_path}/s", Bench) as bench:
            assert await bench.add(1, 2) == 3
            assert server.sessions == 1
        folder = os.open(tmp_path, os.O_PATH)
        async with connect(Endpoint("unix:s", folder), Bench) as bench:
            assert await bench.add(3, other=4) == 7
        os.close(folder)
        await _until(lambda: server.sessions == 0)


async def test_plain_handlers_need_no_task(listener, tmp_path):
    """A `def` handler runs in place: in no task at all."""
    handlers = Handlers()
    async with serve(listener, Bench, handlers, grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        await bench.add(1, 2)
    assert handlers.tasks == {None}


async def test_many_at_once_are_answered(listener, tmp_path):
    """A thousand calls at once, more than the server takes of one client, are all answered."""
    async with serve(listener, Bench, Handlers(), grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        promises = [bench.add(number, 1) for number in range(1000)]
        assert [await promise for promise in promises] == [number + 1 for number in range(1000)]


async def test_through_msgspec(listener, tmp_path):
    """Both ends may write and read through msgspec, or one of them; it is the same conversation."""
    for ours, theirs in ((fast, fast), (fast, small), (small, fast)):
        server = serve(listener, Bench, Handlers(), grants=_all, wires=theirs)
        async with server, connect(f"unix:{tmp_path}/s", Bench, wires=ours) as bench:
            assert await bench.add(1, 2) == 3
            assert await bench.who() == [str(os.getuid()), ""]


async def test_the_caller_is_known(listener, tmp_path):
    """A handler knows who asks, by the kernel, and belongs to the caller's trace."""
    async with serve(listener, Bench, Handlers(), grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        with within(Trace("story", "cause")):
            promise = bench.who()
        assert await promise == [str(os.getuid()), "story"]
        assert await bench.who() == [str(os.getuid()), ""]


async def test_a_cancelled_promise_reaches_the_handler(listener, tmp_path):
    """Cancelling the promise of a call cancels its handler's task."""
    handlers = Handlers()
    async with serve(listener, Bench, handlers, grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        promise = bench.slow()
        await bench.add(1, 1)
        promise.cancel()
        with pytest.raises(Cancelled):
            await promise
        async with asyncio.timeout(10):
            await handlers.cancelled.wait()
        assert await bench.add(1, 1) == 2


async def test_a_handler_that_never_began(listener, tmp_path):
    """A call that comes and is cancelled at once leaves nothing behind, also no coroutine that nobody awaited."""
    handlers = Handlers()
    async with serve(listener, Bench, handlers, grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        await bench.add(1, 1)
        waiting = [bench.slow() for _ in range(10)]
        for promise in waiting:
            promise.cancel()
        assert await bench.add(1, 2) == 3
        gc.collect()  # pytest makes an error of the warning
        assert not handlers.cancelled.is_set()


async def test_a_deadline_outside_counts(listener, tmp_path):
    """A call has no more time than the place that makes it, and its handler hears of it."""
    handlers = Handlers()
    async with serve(listener, Bench, handlers, grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        with deadline("50ms"), pytest.raises(DeadlineExceeded):
            await bench.slow()
        async with asyncio.timeout(10):
            await handlers.cancelled.wait()


async def test_rights_are_granted_by_peer(listener, tmp_path):
    """A peer with some rights is refused what needs others; one with none is told so and not let in."""
    async with serve(listener, Bench, Handlers(), grants=lambda _: frozenset({"other"})):
        async with connect(f"unix:{tmp_path}/s", Bench) as bench:
            with pytest.raises(NotPermitted):
                await bench.add(1, 2)
    async with serve(listener, Bench, Handlers(), grants=lambda _: frozenset()) as server:
        async with connect(f"unix:{tmp_path}/s", Bench) as bench:
            with pytest.raises(NotPermitted):
                await bench.add(1, 2)
        assert server.sessions == 0


async def test_a_mistake_is_logged_once(listener, tmp_path):
    """A handler that raises is logged once, its caller learns only that it failed, the session lives."""
    records = []
    before = log.set_sink(records.append)
    try:
        async with (
            serve(listener, Bench, Handlers(), grants=_all),
            connect(f"unix:{tmp_path}/s", Bench) as bench,
        ):
            with pytest.raises(Exception, match="failed inside") as found:
                await bench.broken()
            assert "inside" not in repr(getattr(found.value, "kind", ""))
            assert await bench.add(1, 2) == 3
    finally:
        log.set_sink(before)
    assert [record.text for record in records if record.level == "error"] == ["a handler failed"]


async def test_the_end_rejects_all(listener, tmp_path):
    """When the server goes, calls under way are rejected and later ones fail at once."""
    async with Connected(listener, tmp_path) as (bench, server):
        promise = bench.slow()
        await bench.add(1, 1)
        server.close()
        with pytest.raises(ConnectionLost):
            await promise
        with pytest.raises(ConnectionLost):
            await bench.add(1, 1)


class Connected:
    """A client and its server, which the test closes."""

    def __init__(self, listener, tmp_path):
        self.serving = serve(listener, Bench, Handlers(), grants=_all)
        self.connecting = connect(f"unix:{tmp_path}/s", Bench)

    async def __aenter__(self):
        server = await self.serving.__aenter__()
        return await self.connecting.__aenter__(), server

    async def __aexit__(self, *problem):
        await self.connecting.__aexit__(*problem)
        await self.serving.__aexit__(*problem)


async def test_draining_keeps_sessions(listener, tmp_path):
    """A drained server takes nobody new; who is there goes on."""
    async with serve(listener, Bench, Handlers(), grants=_all) as server:
        async with connect(f"unix:{tmp_path}/s", Bench) as bench:
            await bench.add(1, 1)
            server.drain()
            assert await bench.add(1, 2) == 3
            async with connect(f"unix:{tmp_path}/s", Bench) as other:
                with deadline("100ms"), pytest.raises(DeadlineExceeded):
                    await other.add(1, 1)


async def test_nobody_listens(tmp_path):
    """Connecting where nobody listens is the kernel's refusal."""
    with pytest.raises(PosixError):
        async with connect(f"unix:{tmp_path}/nothing", Bench):
            pass


async def test_a_stream_waits_for_its_reader(listener, tmp_path):
    """A stream whose reader does not read is paused, what else is asked is not; leaving ends its generator."""
    handlers = Handlers()
    async with serve(listener, Bench, handlers, grants=_all), connect(f"unix:{tmp_path}/s", Bench) as bench:
        async with bench.flood() as items:
            async for _ in items:
                break
            made = -1
            while made != handlers.made:
                made = handlers.made
                for _ in range(100):
                    assert await bench.add(1, 1) == 2
            assert made * 10_000 <= frame.WINDOW + 30_000
            async for _ in items:
                if handlers.made > made + 100:
                    break
        async with asyncio.timeout(10):
            await handlers.cancelled.wait()


async def test_untaken_answers_are_closed(kernel):
    """Links close their sockets: nothing is left open."""
    before = set(os.listdir("/proc/self/fd"))
    ours, theirs = kernel.sockets.pair()
    near = await attach(ours, calling=Bench, name="near")
    far = await attach(theirs, calling=Bench, name="far")
    near.close()
    near.close()
    await far.closed()
    assert not near.is_open
    assert set(os.listdir("/proc/self/fd")) == before


async def test_a_missing_handler_is_found_at_once():
    """An object that does not handle a method of the interface is refused before anybody calls."""

    class Half:
        @handles(Bench.add)
        def add(self, one, other):
            """The sum."""

    with pytest.raises(InternalError, match=r"Bench\.slow"):
        table(Bench, Half())


async def test_the_first_request_after_quiet_goes_at_once():
    """The other end has it before the caller's turn is over."""
    posix = LinuxPosix()
    activate(posix)
    ours, theirs = posix.sockets.pair()
    link = await attach(ours, calling=Bench, serving=None, handlers=None, name="test")
    try:
        await asyncio.sleep(0)  # who we are has gone
        while posix.sockets.receive(theirs, frame.READ):
            pass
        promise = link.remote.add(1, 2)
        assert posix.sockets.receive(theirs, frame.READ) is not None
    finally:
        link.close()
        os.close(theirs)
    with pytest.raises(ConnectionLost):
        await promise
