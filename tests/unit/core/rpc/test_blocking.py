"""The shell without asyncio in memory: a server that is played whenever it waits, on the fake kernel's time."""

import pytest

from snowfox.core.rpc.blocking import Session
from snowfox.core.rpc.channel import Channel
from snowfox.core.rpc.happening import Called, Credited, Withdrawn
from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import ConnectionLost, DeadlineExceeded, NotFound
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.rpc import QUIET, Shop

ITEMS = 1000


class Played:
    """Serves at the other end of a pair of sockets.

    Attributes:
        made: items that were sent.
        withdrawn: requests that were.
    """

    def __init__(self):
        self.posix = FakePosix(FakeKernel())
        ours, theirs = self.posix.sockets.pair()
        clock = self.posix.kernel.clock
        self.channel = Channel(self.posix, theirs, clock=clock, serving=Shop, calling=None, options=QUIET)
        self.made, self.withdrawn = 0, []
        poller = self.posix.poller()
        wait = poller.wait

        def serve_and_wait(timeout, *, most=-1):
            self.turn()
            return wait(timeout, most=most)

        poller.wait = serve_and_wait
        self.posix.poller = lambda: poller
        self.session = Session(self.posix, ours, clock)

    def turn(self):
        """Take what came, answer it."""
        for one in [*self.channel.receive(), *self.channel.tick()]:
            match one:
                case Called(request, "Shop.price", (name, count)) if name == "apple":
                    self.channel.answer(request, 10 * count)
                case Called(request, "Shop.price", ("pear", _)):
                    self.channel.refuse(request, NotFound("there is no pear", None))
                case Called(request, "Shop.give", (thing,)):
                    self.channel.answer(request, Descriptor(thing.take(), self.posix))
                case Called(request, "Shop.sales", _) | Credited(request):
                    self.send(request)
                case Withdrawn(request):
                    self.withdrawn.append(request)
        self.channel.flush()

    def send(self, request):
        """Items, as far as their reader takes them."""
        while self.channel.may_send(request) and self.made < ITEMS:
            self.channel.item(request, "x" * 1000)
            self.made += 1
        if self.made == ITEMS:
            self.channel.end(request)


@pytest.fixture
def played():
    """One that has greeted."""
    one = Played()
    one.session.greet(5)
    yield one
    one.session.close()


def test_calls_and_errors(played):
    """Answers, and errors as themselves."""
    assert played.session.call(Shop.price, "apple", 3) == 30
    with pytest.raises(NotFound, match="no pear"):
        played.session.call(Shop.price, "pear")
    assert played.session.call(Shop.price, "apple") == 10


def test_a_deadline(played):
    """Kept to the time of the clock, at both ends."""
    before = played.posix.kernel.clock.now()
    with pytest.raises(DeadlineExceeded):
        played.session.call(Shop.price, "plum")
    assert 10.0 <= played.posix.kernel.clock.now() - before < 10.2
    played.turn()
    assert len(played.withdrawn) == 1


def test_a_descriptor(played):
    """There and back."""
    reading, writing = played.posix.files.pipe()
    back = played.session.call(Shop.give, Descriptor(reading, played.posix))
    played.posix.files.write(writing, b"through")
    assert played.posix.files.read(back.take(), 10) == b"through"


def test_streams(played):
    """One waits for its reader, and comes whole; one that is left is withdrawn."""
    items = played.session.stream(Shop.sales, "apple")
    assert next(items) == "x" * 1000
    assert played.made < ITEMS / 2
    assert sum(1 for _ in items) == ITEMS - 1
    played.made = 0
    for _ in played.session.stream(Shop.sales, "apple"):
        break
    assert played.session.call(Shop.price, "apple") == 10
    assert len(played.withdrawn) == 1


def test_the_end(played):
    """Who calls when the other end has left is told."""
    played.channel.close()
    with pytest.raises(ConnectionLost):
        played.session.call(Shop.price, "apple")


def test_nobody_greets():
    """A wait for the other end's first word has an end."""
    posix = FakePosix(FakeKernel())
    ours, _ = posix.sockets.pair()
    session = Session(posix, ours, posix.kernel.clock)
    before = posix.kernel.clock.now()
    with pytest.raises(DeadlineExceeded, match="no greeting in 5 s"):
        session.greet(5)
    assert posix.kernel.clock.now() - before == pytest.approx(5, abs=0.1)
    session.close()
