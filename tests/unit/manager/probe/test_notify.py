"""Readiness by message, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.probe.notify import NotifyReader, says_ready


class Pair:
    """A bound socket and one that sends to it."""

    def __init__(self) -> None:
        self.address = f"\0snowfox-test-{os.urandom(8).hex()}"
        self.bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.bound.bind(self.address)
        self.sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard: list[tuple[int, int]] = []
        self.reader = NotifyReader(LinuxPosix(), self.bound.fileno(), self.hear)

    def hear(self, pid: int, session: int) -> bool:
        """Everything counts."""
        self.heard.append((pid, session))
        return True

    def send(self, *messages: bytes) -> None:
        """Send these, one after another."""
        for message in messages:
            self.sender.sendto(message, self.address)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """One for each test."""
    pair = Pair()
    yield pair
    pair.bound.close()
    pair.sender.close()


def test_ready_is_one_of_the_lines() -> None:
    """As sd_notify(3) writes it, alone or among others; nothing like it counts."""
    assert says_ready(b"READY=1")
    assert says_ready(b"STATUS=fine\nREADY=1\n")
    assert not any(says_ready(one) for one in (b"", b"READY=0", b"XREADY=1", b"READY=11", b"\n\n"))


def test_the_kernel_says_who_is_ready(pair: Pair) -> None:
    """Pid and session are those of the sender, whatever the message claims."""
    pair.send(b"READY=1\nMAINPID=1")
    pair.reader.turn()
    assert pair.heard == [(os.getpid(), os.getsid(0))]


def test_garbage_is_ignored(pair: Pair) -> None:
    """Empty, broken and oversized messages say nothing and stop nothing."""
    pair.send(b"", b"\xff\xfe", b"x" * 100_000, b"READY=1")
    pair.reader.turn()
    assert len(pair.heard) == 1


def test_a_flood_does_not_hold_up_the_loop(pair: Pair) -> None:
    """One turn reads a bounded number of messages, the rest comes in the next."""
    pair.bound.setblocking(False)
    pair.sender.setblocking(False)
    sent = 0
    while sent < 200:
        try:
            pair.send(b"READY=1")
        except BlockingIOError:
            break
        sent += 1
        if sent % 10 == 0 and sent < 11:
            pair.reader.turn()
    before = len(pair.heard)
    pair.reader.turn()
    assert len(pair.heard) - before <= 64
    pair.reader.turn()
    pair.reader.turn()
    pair.reader.turn()
    assert len(pair.heard) == sent
