"""Pollers and signals by every kernel."""

from __future__ import annotations

import errno
import os
from signal import SIGCHLD, SIGKILL, SIGUSR1, SIGUSR2

import pytest

from snowfox.errors import PosixError


def number_of(act) -> int:
    """The errno with which this is refused."""
    with pytest.raises(PosixError) as caught:
        act()
    return caught.value.errno


def test_nothing_ready(world) -> None:
    """A wait ends with nothing when its time is over."""
    poller = world.posix.poller()
    reader, _ = world.posix.files.pipe()
    poller.add(reader)
    assert poller.wait(0) == []
    assert poller.wait(0.01) == []


def test_readable(world) -> None:
    """It tells what is readable until it is read."""
    poller = world.posix.poller()
    reader, writer = world.posix.files.pipe()
    poller.add(reader)
    world.posix.files.write(writer, b"x")
    assert poller.wait(1) == [(reader, True, False)]
    assert poller.wait(None) == [(reader, True, False)]
    world.posix.files.read(reader, 1)
    assert poller.wait(0) == []


def test_ended(world) -> None:
    """An end makes it readable."""
    poller = world.posix.poller()
    reader, writer = world.posix.files.pipe()
    poller.add(reader)
    world.posix.files.close(writer)
    assert poller.wait(1) == [(reader, True, False)]


def test_fifo_that_had_no_writer(world) -> None:
    """A FIFO's reader is silent before its first writer, and ends after its last."""
    world.posix.folders.make_fifo(world.path("f"), 0o600)
    reader = world.posix.files.open(world.path("f"), os.O_RDONLY | os.O_NONBLOCK)
    poller = world.posix.poller()
    poller.add(reader)
    assert poller.wait(0) == []
    writer = world.posix.files.open(world.path("f"), os.O_WRONLY | os.O_NONBLOCK)
    assert poller.wait(0) == []
    world.posix.files.close(writer)
    assert poller.wait(0) == [(reader, True, False)]


def test_writable(world) -> None:
    """Writable is told only where it is asked for, and only while there is room."""
    poller = world.posix.poller()
    _, writer = world.posix.files.pipe()
    one, other = world.posix.sockets.pair()
    poller.add(one)
    assert poller.wait(0) == []
    poller.change(one, write=True)
    assert poller.wait(0) == [(one, False, True)]
    while world.posix.sockets.send(one, bytes(65536)) is not None:
        pass
    assert poller.wait(0) == []
    poller.change(one, write=False)
    poller.add(writer, write=True)
    assert poller.wait(0) == [(writer, False, True)]
    world.posix.files.close(other)
    assert sorted(poller.wait(0)) == sorted([(one, True, False), (writer, False, True)])


def test_discard(world) -> None:
    """What was discarded is not told, nor known."""
    poller = world.posix.poller()
    reader, writer = world.posix.files.pipe()
    poller.add(reader)
    world.posix.files.write(writer, b"x")
    poller.discard(reader)
    assert poller.wait(0) == []
    assert number_of(lambda: poller.discard(reader)) == errno.ENOENT
    assert number_of(lambda: poller.change(reader, write=True)) == errno.ENOENT


def test_wrong_descriptors(world) -> None:
    """Twice is EEXIST, a file of a disk EPERM, a closed one EBADF."""
    poller = world.posix.poller()
    reader, _ = world.posix.files.pipe()
    poller.add(reader)
    assert number_of(lambda: poller.add(reader)) == errno.EEXIST
    world.put("a", b"")
    file = world.posix.files.open(world.path("a"), os.O_RDONLY)
    assert number_of(lambda: poller.add(file)) == errno.EPERM
    world.posix.files.close(file)
    assert number_of(lambda: poller.add(file)) == errno.EBADF


def test_poller_in_a_poller(world) -> None:
    """A poller's own descriptor is readable while it has something to tell."""
    inner, outer = world.posix.poller(), world.posix.poller()
    reader, writer = world.posix.files.pipe()
    inner.add(reader)
    outer.add(inner.descriptor)
    assert outer.wait(0) == []
    world.posix.files.write(writer, b"x")
    assert outer.wait(1) == [(inner.descriptor, True, False)]
    inner.close()
    assert world.posix.files.read(reader, 1) == b"x"


def send_self(world, *numbers: int) -> None:
    """Signal this process."""
    pidfd = world.posix.processes.open(world.posix.own.pid())
    for number in numbers:
        assert world.posix.processes.signal(pidfd, number)
    world.posix.files.close(pidfd)


def test_signals(world) -> None:
    """Watched signals make the descriptor readable and are told in order, once."""
    descriptor = world.posix.signals.watch((SIGUSR1, SIGUSR2))
    assert world.posix.signals.take(descriptor) == ()
    assert not world.readable(descriptor, 0)
    send_self(world, SIGUSR2)
    send_self(world, SIGUSR1)
    assert world.readable(descriptor)
    assert world.posix.signals.take(descriptor) == (SIGUSR2, SIGUSR1)
    assert world.posix.signals.take(descriptor) == ()


def test_watched_again(world) -> None:
    """A second watch takes over what the first one caught, which ends."""
    first = world.posix.signals.watch((SIGUSR1,))
    second = world.posix.signals.watch((SIGUSR2,))
    send_self(world, SIGUSR1)
    send_self(world, SIGUSR2)
    assert world.readable(second)
    assert world.posix.signals.take(second) == (SIGUSR1, SIGUSR2)
    assert world.posix.files.read(first, 1) == b""


def test_signal_of_a_child(world) -> None:
    """The end of a child comes as CHLD."""
    descriptor = world.posix.signals.watch((SIGCHLD,))
    pid = world.start("true")
    assert world.readable(descriptor)
    assert set(world.posix.signals.take(descriptor)) == {SIGCHLD}
    assert world.posix.processes.any_exit()[0] == pid


def test_signals_nobody_can_watch(world) -> None:
    """KILL is refused."""
    assert number_of(lambda: world.posix.signals.watch((SIGKILL,))) == errno.EINVAL


def test_a_forked_child_has_default_signals(world) -> None:
    """What the parent watches ends a forked child, and is not told to the parent."""
    descriptor = world.posix.signals.watch((SIGUSR1,))

    def act(child) -> None:
        pidfd = child.processes.open(child.own.pid())
        child.processes.signal(pidfd, SIGUSR1)

    if world.fake is not None:
        pid = world.posix.processes.fork()
        world.fake.kernel.signal(world.fake.kernel.process(pid), SIGUSR1)
        world.started.append(pid)
    else:
        pid = world.in_child(act)
    ended = world.exit_of(pid)
    assert ended is not None
    assert ended.signal == SIGUSR1
    assert world.posix.signals.take(descriptor) == ()


def test_once_is_told_once(world) -> None:
    """What was added with `once` answers one wait, and another one after `again`, as long as it is readable."""
    poller = world.posix.poller()
    reader, writer = world.posix.files.pipe()
    poller.add(reader, once=True)
    world.posix.files.write(writer, b"x")
    assert poller.wait(1) == [(reader, True, False)]
    assert poller.wait(0) == []
    poller.again(reader)
    assert poller.wait(1) == [(reader, True, False)]
    poller.discard(reader)
    assert number_of(lambda: poller.again(reader)) == errno.ENOENT


def test_no_more_than_asked_for(world) -> None:
    """Of two that are readable one is told, the other by the next wait."""
    poller = world.posix.poller()
    found = set()
    for _ in range(2):
        reader, writer = world.posix.files.pipe()
        poller.add(reader, once=True)
        world.posix.files.write(writer, b"x")
    for _ in range(2):
        (answer,) = poller.wait(1, most=1)
        found.add(answer[0])
    assert len(found) == 2
