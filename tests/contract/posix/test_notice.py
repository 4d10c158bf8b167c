"""Signals about what comes for a socket, by every kernel."""

from __future__ import annotations

import errno
from signal import SIGRTMIN

import pytest

from snowfox.errors import PosixError

NUMBER = SIGRTMIN + 8


@pytest.mark.parametrize("address", ["127.0.0.1:0", "unix:front.sock", "unix:@front-of-test"])
def test_a_connection_is_noticed_whoever_takes_it(world, address) -> None:
    """Once for each, until it is no longer wanted; what was before is not told."""
    address = address.replace("front.sock", world.path("front.sock"))
    descriptor = world.posix.signals.watch((NUMBER,))
    listener = world.posix.sockets.bind(address)
    world.posix.sockets.listen(listener, 10)
    real = world.posix.sockets.address(listener) if address.endswith(":0") else address
    world.posix.sockets.connect(real)
    world.posix.sockets.notice(listener, NUMBER, process=world.posix.own.pid())
    assert world.posix.signals.take(descriptor) == ()
    world.posix.sockets.connect(real)
    assert world.readable(descriptor)
    assert world.posix.signals.take(descriptor) == (NUMBER,)
    world.posix.sockets.notice(listener, 0, process=0)
    world.posix.sockets.connect(real)
    assert not world.readable(descriptor, 0)


@pytest.mark.parametrize("address", ["udp:127.0.0.1:0", "unix-datagram:@datagrams-of-test"])
def test_a_datagram_is_noticed(world, address) -> None:
    """As a connection is."""
    descriptor = world.posix.signals.watch((NUMBER,))
    receiver = world.posix.sockets.bind(address)
    world.posix.sockets.notice(receiver, NUMBER, process=world.posix.own.pid())
    real = world.posix.sockets.address(receiver) if address.endswith(":0") else address
    sender = world.posix.sockets.connect(real)
    world.posix.sockets.send(sender, b"x")
    assert world.readable(descriptor)
    assert world.posix.signals.take(descriptor) == (NUMBER,)


def test_no_such_signal(world) -> None:
    """EINVAL."""
    listener = world.posix.sockets.bind("127.0.0.1:0")
    with pytest.raises(PosixError) as caught:
        world.posix.sockets.notice(listener, 65, process=world.posix.own.pid())
    assert caught.value.errno == errno.EINVAL
