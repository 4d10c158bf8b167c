"""The shell without asyncio at a server of each loop, over each transport that it has."""

import asyncio
import os
import threading
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvloop

from snowfox.core.rpc import frame
from snowfox.core.rpc.blocking import connect
from snowfox.core.rpc.client import attach
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.server import handles, serve
from snowfox.errors import ConnectionLost, DeadlineExceeded, InternalError, NotFound


class Echo(Interface):
    @call(right=Right.READ)
    def echo(self, data: bytes) -> bytes:
        """The same."""

    @call(right=Right.READ)
    def find(self, name: str) -> str:
        """Raises NotFound."""

    @call(right=Right.READ, deadline="50ms")
    def slow(self) -> None:
        """Not answered."""

    @call(right=Right.READ)
    def swap(self, thing: Descriptor) -> Descriptor | None:
        """The same descriptor back."""

    @stream(right=Right.READ)
    def count(self, to: int) -> bytes:
        """So many items of 10,000 bytes."""


class Handlers:
    def __init__(self):
        self.made = 0

    @handles(Echo.echo)
    def echo(self, data):
        """In place."""
        return data

    @handles(Echo.find)
    def find(self, name):
        """Nothing."""
        raise NotFound(f"no {name}", "look elsewhere")

    @handles(Echo.slow)
    async def slow(self):
        """Never."""
        await asyncio.Event().wait()

    @handles(Echo.swap)
    def swap(self, thing):
        """Back."""
        return Descriptor(thing.take())

    @handles(Echo.count)
    async def count(self, to):
        """As fast as they are taken."""
        for number in range(to):
            self.made += 1
            yield bytes((number % 256,)) * 10_000


@contextmanager
def _in_thread(factory, serving):
    """Run what serves, until the block is left."""
    began, over = threading.Event(), []

    async def work():
        stop = asyncio.Event()
        async with serving():
            over.append((asyncio.get_running_loop(), stop))
            began.set()
            await stop.wait()

    def run():
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work())

    def end():
        while over:
            loop, stop = over.pop()
            loop.call_soon_threadsafe(stop.set)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert began.wait(20)
        yield end
    finally:
        end()
        thread.join(20)
        assert not thread.is_alive()


@asynccontextmanager
async def _attached(socket, handlers):
    link = await attach(
        socket, calling=Interface, serving=Echo, handlers=handlers, name="far", rights=Right.ALL
    )
    yield
    link.close()


@pytest.fixture(params=["asyncio", "uvloop"])
def factory(request):
    """Makes a loop of each kind."""
    return uvloop.new_event_loop if request.param == "uvloop" else asyncio.SelectorEventLoop


@pytest.fixture(params=["unix", "tcp", "fd"])
def served(request, kernel, tmp_path, factory):
    """A server over each transport: its address, its handlers, and how to end it."""
    kind, handlers = request.param, Handlers()
    if kind == "fd":
        ours, theirs = kernel.sockets.pair()
        with _in_thread(factory, lambda: _attached(theirs, handlers)) as end:
            yield f"fd:{ours}", handlers, end
        return
    listener = kernel.sockets.bind(f"unix:{tmp_path}/s" if kind == "unix" else "127.0.0.1:0")
    kernel.sockets.listen(listener, 10)
    address = kernel.sockets.address(listener)
    with _in_thread(factory, lambda: serve(listener, Echo, handlers, grants=lambda _: Right.ALL)) as end:
        yield address if kind == "unix" else f"tcp:{address}", handlers, end
    kernel.files.close(listener)


def test_calls_errors_and_deadlines(served):
    """Answers, errors as themselves, an end of patience; the session goes on."""
    address, _, _ = served
    with connect(address) as session:
        assert session.call(Echo.echo, b"there") == b"there"
        with pytest.raises(NotFound, match="no pear"):
            session.call(Echo.find, "pear")
        with pytest.raises(DeadlineExceeded):
            session.call(Echo.slow)
        large = os.urandom(frame.LIMIT - 100)
        assert session.call(Echo.echo, large) == large


def test_streams(served):
    """They come whole, wait for their reader, and may be left."""
    address, handlers, _ = served
    with connect(address) as session:
        assert [item[0] for item in session.stream(Echo.count, 100)] == list(range(100))
        handlers.made = 0
        for item in session.stream(Echo.count, 1000):
            assert item[0] == 0
            break
        assert session.call(Echo.echo, b"there") == b"there"
        assert handlers.made <= frame.WINDOW // 10_000 + 2


def test_descriptors(served):
    """They go where the kernel passes them, and else stay their owner's."""
    address, _, _ = served
    reading, writing = os.pipe()
    thing = Descriptor(reading)
    with connect(address) as session:
        if address.startswith("tcp:"):
            with pytest.raises(InternalError, match="cannot send descriptors"):
                session.call(Echo.swap, thing)
        else:
            thing = session.call(Echo.swap, thing)
        os.write(writing, b"through")
        assert os.read(thing.number, 10) == b"through"
        thing.close()
        assert session.call(Echo.echo, b"there") == b"there"
    os.close(writing)


def test_a_server_that_ends(served):
    """Who calls is told."""
    address, _, end = served
    with connect(address) as session:
        assert session.call(Echo.echo, b"there") == b"there"
        end()
        with pytest.raises(ConnectionLost):
            while True:
                session.call(Echo.echo, b"there")
