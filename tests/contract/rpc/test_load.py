"""Many clients, many calls, much at once, readers that do not read, and connections that are half there."""

import asyncio
import gc
import os
import resource
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from snowfox.core.clock import SystemClock
from snowfox.core.rpc import client, pulse, server, session
from snowfox.core.rpc.channel import Channel
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.interface import Interface, Right, call, stream
from snowfox.core.rpc.server import Limits, handles, serve
from snowfox.core.rpc.session import Answered, Called, Options
from snowfox.errors import ConnectionLost
from snowfox.testing.rpc import QUIET, Kernel

ALL = bool(os.environ.get("SNOWFOX_TEST_ALL"))
CLIENTS = 10_000 if ALL else 500
CALLS = 500_000 if ALL else 20_000
"""On each of the two loops."""
LARGE = [bytes([number]) * (64 << 10) for number in range(8)]

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("kernel")]


class Echo(Interface):
    @call(right=Right.READ)
    def echo(self, data: bytes) -> bytes:
        """The same."""

    @call(right=Right.READ, deadline="60s")
    def slow(self) -> None:
        """Not answered."""

    @stream(right=Right.READ)
    def count(self, to: int) -> bytes:
        """So many items of 10,000 bytes."""


class Handlers:
    def __init__(self):
        self.cancelled = asyncio.Event()
        self.made = 0

    @handles(Echo.echo)
    def echo(self, data):
        """In place."""
        return data

    @handles(Echo.slow)
    async def slow(self):
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    @handles(Echo.count)
    async def count(self, to):
        """As fast as they are taken."""
        for number in range(to):
            self.made += 1
            yield bytes((number % 256,)) * 10_000


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine in a loop of each kind."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.SelectorEventLoop

    def in_loop(work):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work)

    return in_loop


@asynccontextmanager
async def served(kernel, address, handlers, **more):
    """A server there, and its address."""
    listener = kernel.sockets.bind(address)
    kernel.sockets.listen(listener, 1000)
    found = kernel.sockets.address(listener)
    async with serve(listener, Echo, handlers, grants=lambda _: Right.ALL, **more) as one:
        yield one, found if found.startswith("unix:") else f"tcp:{found}"
    kernel.files.close(listener)


async def until(true):
    """Wait for something that has no event."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


def descriptors():
    """How many are open."""
    return len(os.listdir("/proc/self/fd"))


def memory():
    """Bytes that this process has in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_many_clients(run, kernel, tmp_path):
    """10,000 clients of one server, or as many as descriptors allow: each is answered, and nothing is left of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(CLIENTS, (hard - descriptors() - 50) // 2)
    if count < min(CLIENTS, 1000):
        pytest.skip(f"{hard} descriptors are too few for {CLIENTS} clients")

    async def work():
        limits = Limits(sessions=count)
        async with served(kernel, f"unix:{tmp_path}/s", Handlers(), limits=limits) as (one, address):
            before = descriptors()
            async with AsyncExitStack() as stack:
                echoes = []
                for number in range(count):
                    echo = await stack.enter_async_context(connect(address, Echo))
                    assert await echo.echo(b"%d" % number) == b"%d" % number
                    echoes.append(echo)
                assert one.sessions == count
                promises = [echo.echo(b"again") for echo in echoes]
                assert {await promise for promise in promises} == {b"again"}
            await until(lambda: one.sessions == 0)
            await until(lambda: descriptors() == before)

    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        run(work())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_calls(run, kernel, tmp_path):
    """A million calls, a hundred at a time, with cancelled ones between: memory and descriptors do not grow."""

    async def work():
        async with served(kernel, f"unix:{tmp_path}/s", Handlers()) as (_, address):
            async with connect(address, Echo) as echo:

                async def some(count):
                    for _ in range(count // 100):
                        promises = [echo.echo(b"there") for _ in range(99)]
                        echo.slow().cancel()
                        for promise in promises:
                            await promise

                await some(max(10_000, CALLS // 20))
                before, open_before = memory(), descriptors()
                await some(CALLS)
                assert memory() - before < 2 << 20
                assert descriptors() == open_before

    run(work())


def test_much_both_ways(run, kernel):
    """Eight times 64 KiB in both directions at once, more than the socket holds: neither end waits for the other."""

    async def work():
        ours, theirs = kernel.sockets.pair()
        links = [
            await attach(one, calling=Echo, serving=Echo, handlers=Handlers(), name="other", rights=Right.ALL)
            for one in (ours, theirs)
        ]
        for _ in range(20):
            promises = [link.remote.echo(data) for data in LARGE for link in links]
            assert [await promise for promise in promises] == [data for data in LARGE for _ in links]
        for link in links:
            link.close()
            await link.closed()

    run(work())


def test_much_both_ways_in_thin_loops(kernel):
    """The same by two channels, as daemon and spawner have them."""
    options = Options("thin", ping_after=None, dead_after=None, rights=Right.ALL)
    channels = [
        Channel(kernel, one, clock=SystemClock(), serving=Echo, calling=Echo, options=options)
        for one in kernel.sockets.pair()
    ]
    for channel in channels:
        for data in LARGE:
            channel.call(Echo.echo, data)
    answers = {0: [], 1: []}
    for turn in range(10_000):
        channel = channels[turn % 2]
        for one in channel.receive() + channel.tick() + channel.flush():
            if isinstance(one, Called):
                channel.answer(one.request, *one.arguments)
            elif isinstance(one, Answered):
                answers[turn % 2].append(one.value)
        if all(len(found) == len(LARGE) for found in answers.values()):
            break
    assert answers == {0: LARGE, 1: LARGE}
    for channel in channels:
        channel.close()


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_reader_that_never_reads(run, kernel, tmp_path, kind, monkeypatch):
    """It gets what the sockets hold, loses its session after a while, and costs others nothing."""
    monkeypatch.setattr(pulse, "PATIENCE", 1.0)

    def asked():
        """The bytes of a stream and a hundred calls with 64 KiB each."""
        caller = session.Session(0.0, QUIET, serving=None, posix=Kernel())
        caller.calls.most = 200
        caller.call(Echo.count, (100_000,), 0.0, deadline=60.0)
        for _ in range(100):
            caller.call(Echo.echo, (LARGE[1],), 0.0, deadline=60.0)
        wire = Kernel()
        caller.outbox.send(wire, 0)
        return b"".join(data for data, _ in wire.sent)

    async def work():
        handlers = Handlers()
        place = f"unix:{tmp_path}/s" if kind == "unix" else "127.0.0.1:0"
        async with served(kernel, place, handlers) as (one, address):
            if kind == "unix":
                raw, where = socket.socket(socket.AF_UNIX), address.removeprefix("unix:")
            else:
                raw, where = socket.socket(), ("127.0.0.1", int(address.rpartition(":")[2]))
            before = descriptors()
            raw.setblocking(False)
            with raw:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(raw, where)
                await loop.sock_sendall(raw, asked())
                async with connect(address, Echo) as echo:
                    for _ in range(200):
                        assert await echo.echo(LARGE[2]) == LARGE[2]
                    assert one.sessions == 2
                    assert handlers.made < 100
                    await until(lambda: one.sessions == 1)
                    assert await echo.echo(b"") == b""
                # The server's socket is gone, too, though its end has not been read.
                await until(lambda: descriptors() == before)

    run(work())


class Proxy:
    """Between a client and a server over TCP: passes bytes on in pieces, until it is halted or cuts.

    Args:
        size: bytes of a piece.
        delay: seconds before each.
    """

    def __init__(self, size, delay):
        self.size, self.delay = size, delay
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.tasks, self.writers = [], []

    @asynccontextmanager
    async def before(self, address):
        """Stand before a server; the address of the proxy."""
        host, _, port = address.removeprefix("tcp:").rpartition(":")

        async def joined(reader, writer):
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            self.writers += [writer, far_writer]
            self.tasks += [
                asyncio.create_task(self._pass(reader, far_writer)),
                asyncio.create_task(self._pass(far_reader, writer)),
            ]

        listening = await asyncio.start_server(joined, "127.0.0.1", 0)
        try:
            yield f"tcp:127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        finally:
            listening.close()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            self.cut()
            await asyncio.sleep(0.01)

    async def _pass(self, reader, writer):
        while data := await reader.read(self.size):
            await asyncio.sleep(self.delay)
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()

    def cut(self):
        """End all connections at once."""
        for writer in self.writers:
            writer.transport.abort()


def test_a_slow_connection(run, kernel):
    """Bytes that come late and a few at a time make the same conversation."""

    async def work():
        proxy = Proxy(997, 0.0005)
        async with (
            served(kernel, "127.0.0.1:0", Handlers()) as (_, address),
            proxy.before(address) as near,
            connect(near, Echo) as echo,
        ):
            promises = [echo.echo(data[:20_000]) for data in LARGE]
            assert [await promise for promise in promises] == [data[:20_000] for data in LARGE]
            async with echo.count(20) as items:
                assert [item[0] async for item in items] == list(range(20))

    run(work())


def test_a_connection_that_is_cut(run, kernel):
    """What is under way is rejected at the one end and cancelled at the other."""

    async def work():
        proxy, handlers = Proxy(1 << 16, 0), Handlers()
        async with (
            served(kernel, "127.0.0.1:0", handlers) as (one, address),
            proxy.before(address) as near,
            connect(near, Echo) as echo,
        ):
            promise = echo.slow()
            await echo.echo(b"")
            proxy.cut()
            with pytest.raises(ConnectionLost):
                await promise
            await asyncio.wait_for(handlers.cancelled.wait(), 10)
            await until(lambda: one.sessions == 0)

    run(work())


def test_a_connection_that_is_half_open(run, kernel, monkeypatch):
    """When nothing comes any more, though no end was told, both give up: the call is rejected, its handler cancelled."""
    monkeypatch.setattr(client, "CLIENT", client.CLIENT._replace(ping_after=0.3, dead_after=1.5))
    monkeypatch.setattr(server, "PING", 0.3)
    monkeypatch.setattr(server, "DEAD", 1.5)

    async def work():
        proxy, handlers = Proxy(1 << 16, 0), Handlers()
        async with (
            served(kernel, "127.0.0.1:0", handlers) as (one, address),
            proxy.before(address) as near,
            connect(near, Echo) as echo,
        ):
            promise = echo.slow()
            await echo.echo(b"")
            await asyncio.sleep(2.0)  # silence, but for pings: both go on
            assert await echo.echo(b"there") == b"there"
            proxy.flowing.clear()
            with pytest.raises(ConnectionLost, match="nothing heard"):
                await promise
            await asyncio.wait_for(handlers.cancelled.wait(), 10)
            await until(lambda: one.sessions == 0)

    run(work())
