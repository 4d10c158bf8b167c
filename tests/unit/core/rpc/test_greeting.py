"""Who connects and does not say who it is keeps no place."""

import socket
from contextlib import AsyncExitStack

import pytest

from snowfox.core import log
from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.channel import Channel
from snowfox.core.rpc.client import connect
from snowfox.core.rpc.happening import Ended
from snowfox.core.rpc.interface import Right
from snowfox.core.rpc.server import handles, serve
from snowfox.errors import DeadlineExceeded
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.rpc import QUIET, Pair, Shop

SOON = QUIET._replace(greeted_within=10.0)
TEXT = "the other end did not greet within 10 s"


class Handlers:
    @handles(Shop.price)
    def price(self, name, count):
        """Nothing."""
        return 0

    @handles(Shop.sales)
    async def sales(self, name):
        """None."""
        return
        yield

    @handles(Shop.give)
    def give(self, thing):
        """Nothing back."""

    @handles(Shop.close_down)
    def close_down(self):
        """Nothing."""


def test_a_session() -> None:
    """Its time is over after ten seconds; the other end is told why."""
    pair = Pair(options=SOON)
    assert pair.server.next_tick() == pair.now + 10
    pair.pass_time(9.9)
    assert pair.asked == []
    pair.pass_time(0.1)
    (end,) = pair.asked
    assert isinstance(end, Ended)
    assert (type(end.error), str(end.error)) == (DeadlineExceeded, TEXT)
    pair.carry()
    assert str(pair.heard[-1].error) == TEXT


def test_a_session_that_was_greeted() -> None:
    """It has no such end."""
    pair = Pair(options=SOON)
    pair.pass_time(9.9)
    pair.carry()
    assert pair.server.next_tick() is None
    pair.pass_time(1000)
    assert not pair.server.ended


def test_a_channel() -> None:
    """A thin loop is woken for it, and closes the socket."""
    posix = FakePosix(FakeKernel())
    ours, theirs = posix.sockets.pair()
    clock = posix.kernel.clock
    channel = Channel(posix, ours, clock=clock, serving=Shop, calling=None, options=SOON)
    channel.flush()
    clock.advance(channel.next_tick() - clock.now())
    (end,) = channel.tick()
    assert str(end.error) == TEXT
    channel.close()
    got = posix.sockets.receive(theirs, 1000)
    assert TEXT.encode() in got.data
    assert posix.sockets.receive(theirs, 1000).data == b""


@pytest.fixture
def records():
    """What is logged for all to see."""
    found = []
    before = log.set_sink(lambda one: found.append(one) if one.level != "debug" else None)
    yield found
    log.set_sink(before)


async def test_a_server(clock, tmp_path, records) -> None:
    """It ends them with one line that says what they did; who greeted stays, and their places are free again."""
    posix = LinuxPosix()
    activate(posix)
    listener = posix.sockets.bind(f"unix:{tmp_path}/s")
    posix.sockets.listen(listener, 10)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            serve(listener, Shop, Handlers(), grants=lambda _: Right.ALL)
        )
        mute = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for one in mute:
            one.connect(f"{tmp_path}/s")
        mute[0].send(b"\0\0\0")  # a frame that never comes whole
        async with connect(f"unix:{tmp_path}/s", Shop) as shop:
            assert await shop.price("apple", 1) == 0
            await clock.advance(9.9)
            assert server.sessions == 4
            assert records == []
            await clock.advance(0.2)
            assert server.sessions == 1
            assert await shop.price("apple", 1) == 0
        for one in mute:
            assert TEXT.encode() in one.recv(1000)
            assert one.recv(1000) == b""
    lines = [(one.text, one.fields["kind"], one.fields["error"]) for one in records]
    assert lines == [("a session ended", "DeadlineExceeded", TEXT)] * 3
    posix.files.close(listener)
    activate(None)
