"""The process that hears of sockets in the spawner's place, on the real kernel."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator

import pytest

from snowfox.core.posix.api import Poller
from snowfox.core.posix.linux import LinuxPosix
from snowfox.spawner.hearer import Hearer
from snowfox.spawner.knocks import NOTICES

F_SETSIG = 10
"""fcntl.h; Python's fcntl has it from 3.13 on."""


class Listening:
    """A hearer, a listener, and what passes between."""

    def __init__(self, posix: LinuxPosix, poller: Poller) -> None:
        self.posix = posix
        self.poller = poller
        self.hearer = Hearer(posix, poller, NOTICES)
        self.listener = posix.sockets.bind("127.0.0.1:0")
        posix.sockets.listen(self.listener, 10)

    def hear(self) -> tuple[int, ...] | None:
        """The next that it says."""
        found = [descriptor for descriptor, _, _ in self.poller.wait(20.0)]
        assert [self.hearer.owns(descriptor) for descriptor in found] == [True]
        return self.hearer.take()

    def begin(self) -> int:
        """Its pid, once it hears."""
        assert self.hearer.listens() == 0
        assert self.hear() == ()
        return self.hearer.listens()

    def connect(self) -> None:
        """To the listener."""
        connected = self.posix.sockets.connect(self.posix.sockets.address(self.listener))
        self.posix.files.close(connected)


@pytest.fixture
def listening() -> Iterator[Listening]:
    """On a poller of its own; the hearer ends with its input."""
    posix = LinuxPosix()
    poller = posix.poller()
    made = Listening(posix, poller)
    yield made
    pid = made.hearer.listens()
    made.hearer._close()
    if pid:
        os.waitpid(pid, 0)
    posix.files.close(made.listener)
    poller.close()


def test_it_tells_the_numbers_of_signals(listening: Listening) -> None:
    """Each of them, by the number that the mark has."""
    pid = listening.begin()
    for number in (NOTICES[0], NOTICES[-1]):
        listening.posix.sockets.notice(listening.listener, number, process=pid)
        listening.connect()
        assert listening.hear() == (number,)


def test_a_service_that_changes_the_mark_ends_it_and_not_us(listening: Listening) -> None:
    """SIGKILL by F_SETSIG of who shares the socket: told as an end; the next question starts another."""
    pid = listening.begin()
    listening.posix.sockets.notice(listening.listener, NOTICES[0], process=pid)
    shared = os.dup(listening.listener)
    fcntl.fcntl(shared, F_SETSIG, signal.SIGKILL)
    listening.connect()
    assert listening.hear() is None
    assert listening.begin() != pid
    os.close(shared)


def test_who_shares_a_socket_cannot_make_the_mark_again(listening: Listening) -> None:
    """Once it is taken away it names nobody, so that the flag alone sends nothing."""
    listening.posix.sockets.notice(listening.listener, NOTICES[0], process=listening.begin())
    listening.posix.sockets.notice(listening.listener, 0, process=0)
    flags = fcntl.fcntl(listening.listener, fcntl.F_GETFL)
    fcntl.fcntl(listening.listener, fcntl.F_SETFL, flags | os.O_ASYNC)
    assert fcntl.fcntl(listening.listener, fcntl.F_GETOWN) == 0
