"""Calls over connections that come and go: real servers, killed, drained, replaced; a proxy that cuts and half-opens."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from snowfox.core.deadline import deadline
from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.endpoint import Endpoint
from snowfox.core.rpc.idempotency import under
from snowfox.core.rpc.interface import Interface, Right, call, stream
from snowfox.core.rpc.pool import Limits
from snowfox.core.rpc.pooled import Pooled, pooled
from snowfox.core.rpc.server import handles, serve
from snowfox.errors import ConnectionLost, DeadlineExceeded, NotPermitted


class Shop(Interface):
    @call(repeatable=True, deadline="5s")
    def price(self, name: str) -> str:
        """Who answers."""

    @call(deadline="5s")
    def buy(self, name: str) -> int:
        """How many were sold."""

    @call(repeatable=True, deadline="5s")
    def slow(self, name: str) -> str:
        """Answered once it may be."""

    @stream()
    def sales(self) -> str:
        """Without end."""


class Handlers:
    def __init__(self, name="one"):
        self.name = name
        self.sold = 0
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    @handles(Shop.price)
    def price(self, name):
        """In place."""
        return self.name

    @handles(Shop.buy)
    async def buy(self, name):
        """Sells one."""
        self.sold += 1
        self.asked.set()
        await self.may.wait()
        return self.sold

    @handles(Shop.slow)
    async def slow(self, name):
        """Waits."""
        self.asked.set()
        await self.may.wait()
        return self.name

    @handles(Shop.sales)
    async def sales(self):
        """Until nobody reads."""
        while True:
            yield "sold"
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def kernel():
    """The real one."""
    posix = LinuxPosix()
    activate(posix)
    yield posix
    activate(None)


@pytest.fixture
def place(kernel, tmp_path):
    """Serves handlers at a path, again and again; the path stays."""
    listeners = []

    @asynccontextmanager
    async def at(name, handlers, *, rights=Right.ALL):
        path = tmp_path / name
        path.unlink(missing_ok=True)
        listener = kernel.sockets.bind(f"unix:{path}")
        kernel.sockets.listen(listener, 10)
        listeners.append(listener)
        async with serve(listener, Shop, handlers, grants=lambda _: rights) as server:
            yield server
        path.unlink()

    at.endpoint = lambda name: Endpoint(f"unix:{tmp_path}/{name}")
    yield at
    for listener in listeners:
        kernel.files.close(listener)


async def _until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def test_nothing_is_connected_before_the_first_call(place):
    """Then one connection serves all calls."""
    async with place("a", Handlers()) as server, pooled([place.endpoint("a")], Shop) as shop:
        await asyncio.sleep(0.01)
        assert server.sessions == 0
        assert [await shop.price("x") for _ in range(3)] == ["one"] * 3
        assert server.sessions == 1
    await _until(lambda: server.sessions == 0)


async def test_a_repeatable_call_goes_on_over_a_new_connection(place):
    """Its server ends while it is under way, and another one comes at the same place."""
    first = Handlers("first")
    async with pooled([place.endpoint("a")], Shop) as shop:
        async with place("a", first):
            promise = shop.slow("x")
            await first.asked.wait()
        assert not promise.is_settled
        second = Handlers("second")
        second.may.set()
        async with place("a", second):
            assert await promise == "second"


async def test_a_call_that_is_not_repeatable_is_rejected(place):
    """Nobody knows whether it was done."""
    first = Handlers()
    async with pooled([place.endpoint("a")], Shop) as shop:
        async with place("a", first):
            promise = shop.buy("x")
            await first.asked.wait()
        with pytest.raises(ConnectionLost):
            await promise


async def test_a_key_makes_any_call_repeatable(place):
    """Two connections are lost, the key is asked again: it is sold once, and the answer comes."""
    handlers = Handlers()
    async with place("a", handlers) as server:
        shop = Pooled([place.endpoint("a")], Shop)
        with under("order-17"):
            promise = shop.remote.buy("x")
        for _ in range(2):
            await handlers.asked.wait()
            handlers.asked.clear()
            shop.links[0].lost(ConnectionLost("cut"))
            await _until(lambda: shop.links)
            handlers.asked.set()
        handlers.may.set()
        assert await promise == 1
        with under("order-17"):
            assert await shop.remote.buy("x") == 1
        with under("order-18"):
            assert await shop.remote.buy("x") == 2
        assert handlers.sold == 2
        assert server.sessions >= 1
        await shop.close()


async def test_nobody_is_there(place):
    """A call waits for a connection within its deadline; the refusal says why there was none."""
    async with pooled([place.endpoint("a")], Shop) as shop:
        with (
            deadline("100ms"),
            pytest.raises(DeadlineExceeded, match="no connection in time: cannot connect"),
        ):
            await shop.price("x")
        promise = shop.price("x")
        await asyncio.sleep(0.05)
        async with place("a", Handlers()):
            assert await promise == "one"


async def test_who_may_not_hears_it_at_once(place):
    """A refusal that would come again is not waited out."""
    async with place("a", Handlers(), rights=frozenset()), pooled([place.endpoint("a")], Shop) as shop:
        with pytest.raises(NotPermitted):
            await shop.price("x")


async def test_a_dead_place_gets_nothing(place):
    """Of two places one is not there: all calls are answered by the other."""
    places = [place.endpoint("gone"), place.endpoint("b")]
    async with place("b", Handlers("b")), pooled(places, Shop, limits=Limits(busy=0)) as shop:
        assert {await promise for promise in [shop.price("x") for _ in range(200)]} == {"b"}


async def test_a_server_that_drains(place):
    """It answers what it has; new calls go to another one; nothing is lost."""
    first, second = Handlers("first"), Handlers("second")
    async with place("b", second), pooled([place.endpoint("a"), place.endpoint("b")], Shop) as shop:
        async with place("a", first) as server:
            promise = shop.slow("x")
            await first.asked.wait()
            finishing = asyncio.ensure_future(server.finish(within=5))
            async with asyncio.timeout(10):
                while (
                    await shop.price("x") != "second"
                ):  # what crosses the request to come no more is answered
                    pass
            first.may.set()
            assert await promise == "first"
            await finishing
            assert server.sessions == 0


async def test_a_drain_has_an_end(place):
    """A handler that does not come to an end is cancelled when the time is over."""
    handlers = Handlers()
    async with place("a", handlers) as server, pooled([place.endpoint("a")], Shop) as shop:
        promise = shop.buy("x")
        await handlers.asked.wait()
        await server.finish(within=0.05)
        with pytest.raises(ConnectionLost):
            await promise


async def test_other_places(place):
    """A changed place drains, an unchanged one keeps its connection."""
    handlers = Handlers("a")
    async with place("a", handlers) as one, place("b", Handlers("b")) as other, place("c", Handlers("c")):
        shop = Pooled([place.endpoint("a"), place.endpoint("b")], Shop, limits=Limits(busy=0))
        promise = shop.remote.slow("x")
        await handlers.asked.wait()
        await _until(lambda: len(shop.links) == 2)
        kept = shop.links[1]
        shop.replace([place.endpoint("b"), place.endpoint("c")])
        assert await shop.remote.price("x") == "b"
        assert one.sessions == 1
        handlers.may.set()
        assert await promise == "a"
        await _until(lambda: one.sessions == 0)
        assert kept in shop.links
        assert other.sessions == 1
        await shop.close()


async def test_streams_and_the_end(place):
    """A stream finds its connection; when the pool ends, what is under way is rejected."""
    handlers = Handlers()
    async with place("a", handlers):
        async with pooled([place.endpoint("a")], Shop) as shop:
            async with shop.sales() as items:
                assert await anext(items) == "sold"
            promise = shop.buy("x")
            await handlers.asked.wait()
        with pytest.raises(ConnectionLost):
            await promise
        with pytest.raises(ConnectionLost):
            await shop.price("x")


class Proxy:
    """Between a client and a server: passes bytes on, until it is told to cut or to hold everything."""

    def __init__(self, there):
        self._there = there
        self._writers = []
        self.may_pass = asyncio.Event()
        self.may_pass.set()
        self.connections = 0

    async def take(self, reader, writer):
        """A connection."""
        self.connections += 1
        to_reader, to_writer = await asyncio.open_unix_connection(self._there)
        self._writers += [writer, to_writer]
        await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))

    async def _pass(self, reader, writer):
        try:
            while data := await reader.read(1000):
                await self.may_pass.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def cut(self):
        """End all at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


async def test_behind_a_proxy_that_cuts(place, tmp_path):
    """A thousand repeatable calls, the connection cut all the time: each is answered."""
    async with place("a", Handlers()):
        proxy = Proxy(place.endpoint("a").address.removeprefix("unix:"))
        front = await asyncio.start_unix_server(proxy.take, tmp_path / "front")
        async with pooled([f"unix:{tmp_path}/front"], Shop) as shop:
            for _ in range(20):
                promises = [shop.price("x") for _ in range(50)]
                await promises[0]
                proxy.cut()
                assert [await promise for promise in promises] == ["one"] * 50
        assert proxy.connections > 10
        front.close()


async def test_behind_a_proxy_that_holds(place, tmp_path):
    """What hangs is rejected when its time is over, and goes on once bytes pass again."""
    async with place("a", Handlers()):
        proxy = Proxy(place.endpoint("a").address.removeprefix("unix:"))
        front = await asyncio.start_unix_server(proxy.take, tmp_path / "front")
        async with pooled([f"unix:{tmp_path}/front"], Shop) as shop:
            assert await shop.price("x") == "one"
            proxy.may_pass.clear()
            with deadline("100ms"), pytest.raises(DeadlineExceeded):
                await shop.price("x")
            proxy.may_pass.set()
            assert await shop.price("x") == "one"
            assert proxy.connections == 1
        front.close()
