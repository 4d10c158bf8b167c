"""Every shell that calls, joined to every shell that serves, over a real socket pair."""

import asyncio
import gc
import os
import threading
from contextlib import contextmanager

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.posix.active import activate, active
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.blocking import Session
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.client import attach
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.server import handles
from snowfox.core.rpc.session import (
    Answered,
    Called,
    Credited,
    Ended,
    Failed,
    Item,
    StreamEnded,
    Withdrawn,
)
from snowfox.errors import ConnectionLost, NotFound, PosixNotSet, RemoteError, SnowFoxError


class Shop(Interface):
    @call()
    def price(self, name: str, count: int = 1) -> int:
        """Raises NotFound for a name that is not `apple`."""

    @stream()
    def sales(self, count: int, size: int = 1) -> bytes:
        """So many items of that size."""

    @call()
    def swap(self, thing: Descriptor) -> Descriptor | None:
        """The same descriptor back."""

    @call()
    def keep(self, thing: Descriptor) -> None:
        """Leaves the descriptor alone."""

    @call()
    def echo(self, data: bytes) -> bytes:
        """The same."""

    @call()
    def broken(self) -> None:
        """Fails in a way that nobody foresaw."""

    @call(right=Right.ADMIN)
    def secret(self) -> None:
        """Needs a right."""

    @call()
    def never(self) -> None:
        """Is not answered."""

    @call()
    def withdrawn(self) -> int:
        """How many requests were withdrawn."""


class Handlers:
    """Serves it; used by both shells."""

    def __init__(self):
        self.withdrawn_count = 0

    @handles(Shop.price)
    def price(self, name, count=1):
        """Ten each."""
        if name != "apple":
            raise NotFound(f"there is no {name}", "ask for apple")
        return 10 * count

    @handles(Shop.sales)
    async def sales(self, count, size=1):
        """Items."""
        for number in range(count):
            yield bytes([number % 256]) * size

    @handles(Shop.swap)
    def swap(self, thing):
        """Back."""
        return Descriptor(thing.take())

    @handles(Shop.keep)
    def keep(self, thing):
        """Nothing."""

    @handles(Shop.echo)
    async def echo(self, data):
        """Later."""
        await asyncio.sleep(0)
        return data

    @handles(Shop.broken)
    def broken(self):
        """A mistake."""
        raise ZeroDivisionError("a secret path")

    @handles(Shop.secret)
    def secret(self):
        """Nothing."""

    @handles(Shop.never)
    async def never(self):
        """Waits until it is cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn_count += 1

    @handles(Shop.withdrawn)
    def withdrawn(self):
        """The number."""
        return self.withdrawn_count


SERVED = Options("server", ping_after=None, dead_after=None, rights=frozenset())


def _serve_by_link(socket):
    async def serve():
        link = await attach(socket, calling=Interface, serving=Shop, handlers=Handlers(), name="server")
        await link.closed()

    asyncio.run(serve())


class Loop:
    """A thin loop around one channel."""

    def __init__(self, socket, *, serving=None, calling=None, options=SERVED):
        self.posix = active()
        self.clock = SystemClock()
        self.channel = Channel(
            self.posix, socket, clock=self.clock, serving=serving, calling=calling, options=options
        )
        self.poller = self.posix.poller()
        self.poller.add(socket)

    def turn(self):
        """One turn: wait, read, look at the time, send."""
        channel = self.channel
        happenings = channel.tick() + channel.flush()
        self.poller.change(channel.socket, write=channel.wants_write)
        tick = channel.next_tick()
        timeout = None if tick is None else max(0.0, tick - self.clock.now())
        if not happenings and self.poller.wait(timeout):
            happenings += channel.receive()
        return happenings

    def close(self):
        """End it."""
        self.poller.discard(self.channel.socket)
        self.channel.close()


class ChannelServer:
    """Serves the same by a channel."""

    def __init__(self, socket):
        self.loop = Loop(socket, serving=Shop)
        self.handlers = Handlers()
        self.streams = {}

    def go_on(self, request):
        """Send items as far as their reader takes them."""
        channel = self.loop.channel
        while channel.may_send(request):
            item = next(self.streams[request], None)
            if item is None:
                channel.end(request)
                del self.streams[request]
                return
            channel.item(request, item)

    def run(self):
        """Until the session ends."""
        while True:
            for happening in self.loop.turn():
                match happening:
                    case Called():
                        self.serve(happening)
                    case Withdrawn(request):
                        self.handlers.withdrawn_count += 1
                        self.streams.pop(request, None)
                    case Credited(request):
                        self.go_on(request)
                    case Ended():
                        self.loop.close()
                        return

    def serve(self, called):
        """Answer one."""
        channel, name = self.loop.channel, called.method.rpartition(".")[2]
        try:
            match name:
                case "never":
                    pass
                case "echo":
                    channel.answer(called.request, called.arguments[0])
                case "sales":
                    count, size = called.arguments
                    self.streams[called.request] = iter(bytes([n % 256]) * size for n in range(count))
                    self.go_on(called.request)
                case _:
                    channel.answer(called.request, getattr(self.handlers, name)(*called.arguments))
        except SnowFoxError as error:
            channel.refuse(called.request, error)
        except Exception as error:  # noqa: BLE001 - as any loop must
            channel.refuse(called.request, RemoteError("it failed inside", None, type(error).__name__))


def _serve_by_channel(socket):
    ChannelServer(socket).run()


class BlockingClient:
    """Calls by the blocking shell."""

    def __init__(self, socket):
        self.session = Session(active(), socket, SystemClock())

    def call(self, method, *values):
        """Wait for the answer."""
        return self.session.call(method, *values)

    def stream(self, method, *values, most=None):
        """Items; only the first `most`."""
        out = []
        for item in self.session.stream(method, *values):
            out.append(item)
            if len(out) == most:
                break
        return out

    def close(self):
        """End it."""
        self.session.close()


class ChannelClient:
    """Calls by a channel."""

    def __init__(self, socket):
        self.loop = Loop(socket, calling=Shop)

    def call(self, method, *values):
        """Wait for the answer."""
        return self._ask(method, values, None)[-1]

    def stream(self, method, *values, most=None):
        """Items; only the first `most`."""
        return self._ask(method, values, most)

    def _ask(self, method, values, most):
        request = self.loop.channel.call(method, *values)
        out = []
        while True:
            for happening in self.loop.turn():
                match happening:
                    case Answered(found, value) if found == request:
                        return [value]
                    case Item(found, value, size) if found == request:
                        out.append(value)
                        self.loop.channel.took(request, size)
                        if len(out) == most:
                            self.loop.channel.cancel(request)
                            return out
                    case StreamEnded(found) if found == request:
                        return out
                    case Failed(found, error) if found == request:
                        raise error
                    case Ended(error):
                        raise error or ConnectionLost("it ended")

    def close(self):
        """End it."""
        self.loop.close()


class LinkClient:
    """Calls by the asyncio shell."""

    def __init__(self, socket):
        self.runner = asyncio.Runner()
        self.link = self.runner.run(self._attach(socket))

    async def _attach(self, socket):
        return await attach(socket, calling=Shop, name="client")

    def call(self, method, *values):
        """Wait for the answer."""

        async def ask():
            return await getattr(self.link.remote, method.name)(*values)

        return self.runner.run(ask())

    def stream(self, method, *values, most=None):
        """Items; only the first `most`."""

        async def ask():
            out = []
            async with getattr(self.link.remote, method.name)(*values) as items:
                async for item in items:
                    out.append(item)
                    if len(out) == most:
                        break
            return out

        return self.runner.run(ask())

    def close(self):
        """End it."""

        async def end():
            self.link.close()
            await self.link.closed()

        self.runner.run(end())
        self.runner.close()


CLIENTS = {"blocking": BlockingClient, "channel": ChannelClient, "asyncio": LinkClient}
SERVERS = {"asyncio": _serve_by_link, "channel": _serve_by_channel}


@pytest.fixture
def kernel():
    """The real one, active in the test."""
    try:
        before = active()
    except PosixNotSet:
        before = None
    posix = LinuxPosix()
    activate(posix)
    yield posix
    activate(before)


@pytest.fixture
def no_descriptor_left(kernel):
    """A test leaves no descriptor behind."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


@contextmanager
def served(serve, socket):
    """A server in a thread of its own, until its session ends."""
    thread = threading.Thread(target=serve, args=(socket,))
    thread.start()
    try:
        yield
    finally:
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(params=SERVERS)
def server(request):
    """What serves."""
    return SERVERS[request.param]


@pytest.fixture(params=CLIENTS)
def client(request, kernel, server):
    """What calls, joined to what serves."""
    ours, theirs = kernel.sockets.pair()
    with served(server, theirs):
        made = CLIENTS[request.param](ours)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def shop():
    """The interface."""
    return Shop
