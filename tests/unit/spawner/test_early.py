"""A spawner that waits for its order, on the fake kernel."""

from __future__ import annotations

import os

import pytest

from snowfox.contract.start import order
from snowfox.spawner.early import PATIENCE, await_order
from snowfox.testing.kernel import FakeKernel, FakePosix

NUMBERS = (2, 4, 5, 6)


class Pair:
    """A daemon's end and a spawner's."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/srv")
        self.posix = FakePosix(self.kernel)
        self.ours, self.theirs = (
            self.posix.files.duplicate(end, least=30) for end in self.posix.sockets.pair()
        )
        self.given = [
            self.posix.files.open(f"/srv/{name}", os.O_RDWR | os.O_CREAT) for name in ("a", "b", "c", "d")
        ]
        for descriptor, content in zip(self.given, b"abcd", strict=True):
            self.posix.files.write(descriptor, bytes((content,)))

    def wait(self) -> list[str] | None:
        """As the spawner."""
        return await_order(self.posix, self.kernel.clock, self.theirs, NUMBERS)


@pytest.fixture
def pair() -> Pair:
    """A pair."""
    return Pair()


def test_words_and_descriptors_arrive(pair: Pair) -> None:
    """Each descriptor gets its number, whatever numbers they came with; what follows is the session's."""
    pair.posix.sockets.send(pair.ours, order(["--root", "a b"]), tuple(pair.given))
    pair.posix.sockets.send(pair.ours, b"hello")
    before = len(pair.posix.process.descriptors)
    assert pair.wait() == ["--root", "a b"]
    for number, content in zip(NUMBERS, (b"a", b"b", b"c", b"d"), strict=True):
        assert pair.posix.files.read_at(number, 9, offset=0) == content
    received = pair.posix.sockets.receive(pair.theirs, 100)
    assert received is not None
    assert received.data == b"hello"
    assert len(pair.posix.process.descriptors) <= before + len(NUMBERS)


def test_an_order_in_pieces(pair: Pair) -> None:
    """It is read to its end."""
    whole = order(["--user", "--manager-uid", "7"])
    pair.posix.sockets.send(pair.ours, whole[:2], tuple(pair.given))
    pair.posix.sockets.send(pair.ours, whole[2:])
    assert pair.wait() == ["--user", "--manager-uid", "7"]


@pytest.mark.parametrize("sent", [b"", order(["--root"])[:-1]])
def test_a_daemon_that_goes(pair: Pair, sent: bytes) -> None:
    """No order, or half of one, is none."""
    if sent:
        pair.posix.sockets.send(pair.ours, sent, tuple(pair.given))
    pair.posix.files.close(pair.ours)
    assert pair.wait() is None


def test_descriptors_that_are_missing(pair: Pair) -> None:
    """An order without all of them is none."""
    pair.posix.sockets.send(pair.ours, order(["--root"]), tuple(pair.given[:3]))
    assert pair.wait() is None


def test_the_wait_ends(pair: Pair) -> None:
    """A daemon that says nothing is not waited for without end."""
    before = pair.kernel.clock.now()
    assert pair.wait() is None
    assert pair.kernel.clock.now() - before == pytest.approx(PATIENCE)
