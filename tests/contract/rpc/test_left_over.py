"""What is left over when requests, streams and handlers end in unusual ways: nothing."""

import asyncio
import gc
import os
from typing import NamedTuple

import pytest

from snowfox.core import log
from snowfox.core.clock import SystemClock
from snowfox.core.rpc import frame
from snowfox.core.rpc.blocking import Session
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.idempotency import under
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.server import handles, serve
from snowfox.errors import ConnectionLost, NotFound, NotPermitted, PeerError

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


class Huge(NamedTuple):
    thing: Descriptor
    data: bytes


class Odd(Interface):
    @call()
    def later(self) -> int:
        """Answered by a task."""

    @call()
    def find(self, name: str) -> None:
        """Raises NotFound, with the name."""

    @stream()
    def files(self, count: int) -> list[Descriptor]:
        """Open files."""

    @stream()
    def huge(self) -> Huge:
        """An item that is too large, with an open file in it."""

    @stream()
    def stubborn(self) -> bytes:
        """Fails when it is closed."""


def _file():
    return Descriptor(os.open("/dev/null", os.O_RDONLY))


class Handlers:
    def __init__(self):
        self.began = 0
        self.sent = []

    @handles(Odd.later)
    async def later(self):
        """In a task."""
        self.began += 1
        return 1

    @handles(Odd.find)
    def find(self, name):
        """Nothing."""
        raise NotFound(f"there is no {name}", None)

    @handles(Odd.files)
    async def files(self, count):
        """As many."""
        for _ in range(count):
            yield [_file()]

    @handles(Odd.huge)
    async def huge(self):
        """One."""
        self.sent.append(_file())
        yield Huge(self.sent[0], b"x" * (frame.LIMIT + 1))

    @handles(Odd.stubborn)
    async def stubborn(self):
        """Items."""
        try:
            while True:
                yield b"x" * frame.WINDOW
        finally:
            raise ZeroDivisionError


async def _joined(kernel, handlers):
    ours, theirs = kernel.sockets.pair()
    far = await attach(theirs, calling=Interface, serving=Odd, handlers=handlers, name="far")
    near = await attach(ours, calling=Odd, name="near")
    await near.greeted()
    return near, far


async def _end(near, far):
    near.close()
    await far.closed()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_request_that_is_withdrawn_before_its_task_began(kernel):
    """Its handler never runs, and nobody complains of a coroutine that was never awaited."""
    handlers = Handlers()
    near, far = await _joined(kernel, handlers)
    assert await near.remote.later() == 1
    # More than go at once, so that calls and cancels arrive together.
    promises = [near.remote.later() for _ in range(20)]
    for promise in promises:
        promise.cancel()
    promises = [near.remote.later() for _ in range(20)]
    await _end(near, far)
    for promise in promises:
        with pytest.raises(ConnectionLost):
            await promise
    gc.collect()
    assert handlers.began < 20


async def test_an_error_that_is_larger_than_a_message(kernel):
    """A name that its caller made too long for the answer is cut there; the session goes on."""
    near, far = await _joined(kernel, Handlers())
    for _ in range(2):
        with pytest.raises(NotFound, match="there is no xxx"):
            await near.remote.find("x" * (frame.LIMIT - 20))
    assert await near.remote.later() == 1
    await _end(near, far)


async def test_items_that_nobody_read(kernel):
    """Descriptors in them are closed when the block is left."""
    near, far = await _joined(kernel, Handlers())
    async with near.remote.files(20) as items:
        for one in await anext(items):
            one.close()
        await near.remote.later()
    assert await near.remote.later() == 1
    await _end(near, far)


async def test_an_item_that_is_too_large(kernel):
    """It ends its stream with the reason; its descriptor is closed."""
    handlers = Handlers()
    near, far = await _joined(kernel, handlers)
    with pytest.raises(PeerError, match="at most"):
        async for _ in near.remote.huge():
            pass
    assert handlers.sent[0].number == -1
    await _end(near, far)


async def test_a_stream_that_fails_when_it_is_closed(kernel):
    """Said in the log once; the session goes on."""
    records = []
    before = log.set_sink(records.append)
    try:
        near, far = await _joined(kernel, Handlers())
        async with near.remote.stubborn() as items:
            await anext(items)
        assert await near.remote.later() == 1
        await _end(near, far)
    finally:
        log.set_sink(before)
    assert [record.text for record in records if record.level == "error"] == ["a stream failed at its end"]


async def test_a_table_of_rights_that_fails(kernel, tmp_path):
    """Whom it cannot judge is not let in; the server goes on."""
    listener = kernel.sockets.bind(f"unix:{tmp_path}/s")
    kernel.sockets.listen(listener, 10)
    asked = []

    def grants(caller):
        asked.append(caller)
        if len(asked) == 1:
            raise KeyError("nobody")
        return Right.ALL

    async with serve(listener, Odd, Handlers(), grants=grants) as server:
        with pytest.raises(NotPermitted):
            async with connect(f"unix:{tmp_path}/s", Odd) as odd:
                await odd.later()
        async with connect(f"unix:{tmp_path}/s", Odd) as odd:
            assert await odd.later() == 1
            assert server.sessions == 1
    await asyncio.sleep(0.01)
    kernel.files.close(listener)


async def test_a_blocking_stream_that_is_left(kernel):
    """Descriptors in items that came and were not read are closed."""
    ours, theirs = kernel.sockets.pair()
    far = await attach(theirs, calling=Interface, serving=Odd, handlers=Handlers(), name="far")

    def read():
        session = Session(kernel, ours, SystemClock())
        session.greet(10)
        for item in session.stream(Odd.files, 50):
            for one in item:
                one.close()
            break
        assert session.call(Odd.later) == 1
        with pytest.raises(NotFound):
            session.call(Odd.find, "x")
        session.close()

    await asyncio.to_thread(read)
    await far.closed()
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_an_error_under_a_key_keeps_nothing_of_its_request(kernel):
    """The error is kept, to be raised again; what its request came with is not."""

    class Failing(Handlers):
        @handles(Odd.find)
        async def find(self, name):
            """Fails with more behind it than it says."""
            self.error = NotFound(f"there is no {name}", None)
            raise self.error from ValueError(name)

    handlers = Failing()
    near, far = await _joined(kernel, handlers)
    with under("key"):
        with pytest.raises(NotFound):
            await near.remote.find("apple")
        assert (handlers.error.__traceback__, handlers.error.__cause__) == (None, None)
        with pytest.raises(NotFound, match="no apple"):
            await near.remote.find("pear")
    near.close()
    await far.closed()
