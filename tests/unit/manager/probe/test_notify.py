"""Who said what, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.probe.notice import Notice
from snowfox.manager.probe.notify import QUIET, NotifyReader, Use
from snowfox.manager.probe.senders import Senders


class Pair:
    """A bound socket and one that sends to it."""

    def __init__(self) -> None:
        self.address = f"\0snowfox-test-{os.urandom(8).hex()}"
        self.bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.bound.bind(self.address)
        self.sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard: list[tuple[list[int], Notice]] = []
        self.rests = 0
        self.use = Use.TOLD
        posix = LinuxPosix()
        self.reader = NotifyReader(
            posix,
            self.bound.fileno(),
            senders=Senders(posix, lambda _: 0),
            hears=self.hear,
            rest=self.rest,
        )

    def hear(self, senders: Iterator[int], notice: Notice) -> Use:
        """Everything counts, unless the test says otherwise."""
        self.heard.append((list(senders), notice))
        return self.use

    def rest(self) -> None:
        """Counted."""
        self.rests += 1

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


def test_the_kernel_says_who_said_it(pair: Pair) -> None:
    """The sender, its session and those that it descends from, whatever the message claims."""
    pair.send(b"READY=1\nMAINPID=1")
    pair.reader.turn()
    ((senders, notice),) = pair.heard
    assert notice == Notice(is_ready=True, main=1)
    assert senders[0] == os.getpid()
    assert os.getsid(0) in {0, *senders[:2]}  # 0: led by a process outside our pid namespace
    assert os.getppid() in senders or os.getppid() <= 1
    assert all(pid > 1 for pid in senders)


def test_f24_a_sender_that_is_gone_is_nobody_elses(pair: Pair) -> None:
    """Of a process that ended only its number is known, and of no session or parent."""
    child = os.fork()
    if child == 0:
        pair.send(b"READY=1")
        os._exit(0)
    os.waitpid(child, 0)
    pair.reader.turn()
    assert pair.heard == [([child], Notice(is_ready=True))]


def test_f24_garbage_is_ignored(pair: Pair) -> None:
    """Empty, broken and oversized messages say nothing and stop nothing."""
    pair.send(b"", b"\xff\xfe", b"x" * 100_000, b"READY=1")
    pair.reader.turn()
    assert len(pair.heard) == 1


def test_f24_a_flood_does_not_hold_up_the_loop(pair: Pair) -> None:
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


def test_f24_after_messages_that_say_nothing_new_the_socket_rests(pair: Pair) -> None:
    """Once for so many of them, in however many turns they come; what is told costs no rest."""
    for use, rests in ((Use.TOLD, 0), (Use.KEPT, 2), (Use.IGNORED, 4)):
        pair.use = use
        for _ in range(2 * QUIET):
            pair.send(b"READY=1")
            pair.reader.turn()
        assert pair.rests == rests


def test_all_that_came_is_read(pair: Pair) -> None:
    """At once, be it more than a turn reads."""
    room = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    count = min(room, 200)
    pair.send(*[b"STATUS=%d" % number for number in range(count)])
    pair.reader.drain()
    assert len(pair.heard) == count
