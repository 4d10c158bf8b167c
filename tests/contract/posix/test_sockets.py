"""Sockets by every kernel."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from signal import SIGKILL

import pytest

from snowfox.core.posix.api import Credentials
from snowfox.errors import PosixError


def number_of(act) -> int:
    """The errno with which this is refused."""
    with pytest.raises(PosixError) as caught:
        act()
    return caught.value.errno


def us(world) -> Credentials:
    """As others see us."""
    ids = world.posix.own.ids()
    return Credentials(world.posix.own.pid(), ids.uid, ids.gid)


def test_pair(world) -> None:
    """Bytes go both ways, with who sent them; nothing is None, not an end."""
    one, other = world.posix.sockets.pair()
    assert world.posix.sockets.receive(one, 10) is None
    assert world.posix.sockets.send(one, b"abc") == 3
    received = world.posix.sockets.receive(other, 2)
    assert received is not None
    assert (received.data, received.descriptors, received.truncated) == (b"ab", (), False)
    assert received.sender == us(world)
    assert world.posix.sockets.send(other, memoryview(b"xy")) == 2
    assert world.posix.sockets.receive(one, 10).data == b"xy"


def test_end(world) -> None:
    """After the other end closed come its last bytes, then the end; sending is EPIPE."""
    one, other = world.posix.sockets.pair()
    world.posix.sockets.send(other, b"last")
    world.posix.files.close(other)
    assert world.posix.sockets.receive(one, 10).data == b"last"
    assert world.posix.sockets.receive(one, 10).data == b""
    assert number_of(lambda: world.posix.sockets.send(one, b"x")) == errno.EPIPE
    assert number_of(lambda: world.posix.sockets.send(one, b"x", (0,))) == errno.EPIPE


def test_reset(world) -> None:
    """An end that closes with something unread resets the connection."""
    one, other = world.posix.sockets.pair()
    world.posix.sockets.send(one, b"never read")
    world.posix.files.close(other)
    assert number_of(lambda: world.posix.sockets.receive(one, 10)) == errno.ECONNRESET


def test_full(world) -> None:
    """A full socket takes nothing, without waiting, and takes again once read."""
    one, other = world.posix.sockets.pair()
    while world.posix.sockets.send(one, bytes(65536)) is not None:
        pass
    while world.posix.sockets.receive(other, 1 << 20) is not None:
        pass
    assert world.posix.sockets.send(one, b"x") == 1


def test_descriptors(world) -> None:
    """Descriptors travel with the first byte of their send, as duplicates."""
    one, other = world.posix.sockets.pair()
    reader, writer = world.posix.files.pipe()
    assert world.posix.sockets.send(one, b"m", (writer, reader)) == 1
    world.posix.files.close(writer)
    world.posix.files.close(reader)
    received = world.posix.sockets.receive(other, 10, most=2)
    assert (received.data, len(received.descriptors), received.truncated) == (b"m", 2, False)
    world.posix.files.write(received.descriptors[0], b"x")
    assert world.posix.files.read(received.descriptors[1], 10) == b"x"


def test_descriptors_keep_borders(world) -> None:
    """A chunk ends with the send that brought descriptors."""
    one, other = world.posix.sockets.pair()
    world.posix.sockets.send(one, b"a")
    world.posix.sockets.send(one, b"b", (0,))
    world.posix.sockets.send(one, b"c")
    first = world.posix.sockets.receive(other, 10, most=8)
    assert (first.data, len(first.descriptors)) == (b"ab", 1)
    assert world.posix.sockets.receive(other, 10, most=8).data == b"c"


def test_too_many_descriptors(world) -> None:
    """Those above `most` are closed, which is told."""
    one, other = world.posix.sockets.pair()
    reader, writer = world.posix.files.pipe()
    world.posix.sockets.send(one, b"m", (0, writer, writer))
    world.posix.files.close(writer)
    received = world.posix.sockets.receive(other, 10, most=1)
    assert (len(received.descriptors), received.truncated) == (1, True)
    assert world.posix.files.read(reader, 1) == b"", "a descriptor that was not asked for is still open"


def test_unwanted_descriptors(world) -> None:
    """Without `most` none is taken."""
    one, other = world.posix.sockets.pair()
    world.posix.sockets.send(one, b"m", (0,))
    received = world.posix.sockets.receive(other, 10)
    assert (received.data, received.descriptors, received.truncated) == (b"m", (), True)


def test_most_descriptors(world) -> None:
    """253 travel in one send, not more."""
    one, other = world.posix.sockets.pair()
    assert world.posix.sockets.send(one, b"m", (0,) * 253) == 1
    received = world.posix.sockets.receive(other, 10, most=253)
    assert (len(received.descriptors), received.truncated) == (253, False)
    assert number_of(lambda: world.posix.sockets.send(one, b"m", (0,) * 254)) == errno.EINVAL


def test_out_of_descriptors(world) -> None:
    """A receiver without room for descriptors loses them, which is told."""
    one, other = world.posix.sockets.pair()
    world.posix.sockets.send(one, b"m", (0, 0, 0))
    soft, hard = world.posix.limits.get("NOFILE")
    limit = world.posix.files.duplicate(0) + 2
    world.posix.limits.set("NOFILE", limit, hard)
    try:
        received = world.posix.sockets.receive(other, 10, most=3)
    finally:
        world.posix.limits.set("NOFILE", soft, hard)
    assert received.data == b"m"
    assert received.truncated
    assert len(received.descriptors) < 3


def test_received_descriptors_are_not_inherited(world) -> None:
    """What came by a socket is close-on-exec: a child does not keep a pipe's write end open."""
    one, other = world.posix.sockets.pair()
    reader, writer = world.posix.files.pipe()
    world.posix.sockets.send(one, b"m", (writer,))
    world.posix.files.close(writer)
    received = world.posix.sockets.receive(other, 10, most=1)
    pid = world.start("sleep", "60")
    world.posix.files.close(received.descriptors[0])
    assert world.readable(reader)
    assert world.posix.files.read(reader, 1) == b""
    assert world.posix.processes.exit_of(pid, reap=False) is None


def test_unix_connection(world) -> None:
    """A connection by path, relative to a folder: accepted, non-blocking, each knows the other."""
    sockets = world.posix.sockets
    folder = world.open_folder()
    listener = sockets.bind("unix:s", mode=0o600, folder=folder)
    assert not sockets.is_listening(listener)
    sockets.listen(listener, 8)
    assert sockets.is_listening(listener)
    assert sockets.accept(listener) is None
    assert not world.readable(listener, 0)
    client = sockets.connect("unix:s", folder=folder)
    assert world.readable(listener)
    server = sockets.accept(listener)
    assert server is not None
    assert sockets.peer(server) == us(world)
    assert sockets.peer(client) == us(world)
    assert sockets.receive(server, 10) is None
    sockets.send(client, b"hello", (0,))
    received = sockets.receive(server, 10, most=1)
    assert (received.data, len(received.descriptors), received.sender) == (b"hello", 1, None)
    found = world.posix.files.stat("s", folder=folder)
    assert stat.S_ISSOCK(found.mode)
    assert stat.S_IMODE(found.mode) == 0o600


def test_exact_mode_of_a_socket(world) -> None:
    """A socket's file has the mode asked for whatever the umask is."""
    before = world.posix.own.umask(0o077)
    try:
        world.posix.sockets.bind(f"unix:{world.path('s')}", mode=0o666)
    finally:
        world.posix.own.umask(before)
    assert stat.S_IMODE(world.posix.files.stat(world.path("s")).mode) == 0o666


def test_deep_folder(world) -> None:
    """A path longer than a socket address works, by folder and whole."""
    folder = world.open_folder()
    path = world.folder
    for _ in range(6):
        world.posix.folders.make("d" * 40, 0o700, folder=folder)
        folder = world.posix.files.open("d" * 40, os.O_RDONLY | os.O_DIRECTORY, folder=folder)
        path += "/" + "d" * 40
    listener = world.posix.sockets.bind("unix:s", folder=folder)
    world.posix.sockets.listen(listener, 1)
    assert world.posix.sockets.connect(f"unix:{path}/s") >= 0
    assert world.posix.folders.names(folder) == ["s"]
    first = f"{'d' * 40}/{'d' * 40}/{'d' * 40}/t"
    world.posix.sockets.bind(f"unix:{first}", folder=world.open_folder())
    assert number_of(lambda: world.posix.sockets.bind(f"unix:{path}/none/s")) == errno.ENOENT


def test_bind_what_exists(world) -> None:
    """A path that is there is refused, and named as it was written."""
    world.put("s", b"")
    with pytest.raises(PosixError) as caught:
        world.posix.sockets.bind(f"unix:{world.path('s')}")
    assert str(caught.value) == f"cannot bind unix:{world.path('s')}: address already in use (EADDRINUSE)"


def test_connect_to_nobody(world) -> None:
    """No file is ENOENT; a file whose listener is gone, and a name nobody has, are ECONNREFUSED."""
    sockets = world.posix.sockets
    assert number_of(lambda: sockets.connect(f"unix:{world.path('s')}")) == errno.ENOENT
    listener = sockets.bind(f"unix:{world.path('s')}")
    assert number_of(lambda: sockets.connect(f"unix:{world.path('s')}")) == errno.ECONNREFUSED
    world.posix.files.close(listener)
    assert number_of(lambda: sockets.connect(f"unix:{world.path('s')}")) == errno.ECONNREFUSED
    assert number_of(lambda: sockets.connect("unix:@snowfox-test-nobody")) == errno.ECONNREFUSED


def test_full_backlog(world) -> None:
    """A unix listener that does not accept refuses further connections at once."""
    listener = world.posix.sockets.bind("unix:s", folder=world.open_folder())
    world.posix.sockets.listen(listener, 1)

    def connect_often() -> None:
        for _ in range(5):
            world.posix.sockets.connect("unix:s", folder=world.open_folder())

    assert number_of(connect_often) == errno.EAGAIN


def test_abstract(world) -> None:
    """An abstract name is bound once, tells its address, and is free after closing."""
    sockets = world.posix.sockets
    address = f"unix:@snowfox-test-{world.posix.own.pid()}"
    listener = sockets.bind(address)
    sockets.listen(listener, 1)
    assert sockets.address(listener) == address
    assert number_of(lambda: sockets.bind(address)) == errno.EADDRINUSE
    client = sockets.connect(address)
    sockets.send(client, b"x")
    assert sockets.receive(sockets.accept(listener), 10).data == b"x"
    world.posix.files.close(listener)
    world.posix.files.close(sockets.bind(address))


def test_datagrams(world) -> None:
    """Datagrams keep their borders and tell who sent them; one that does not fit is cut, which is told."""
    sockets = world.posix.sockets
    address = f"unix-datagram:@snowfox-test-{world.posix.own.pid()}"
    receiver = sockets.bind(address)
    assert sockets.receive(receiver, 10) is None
    sender = sockets.connect(address)
    sockets.send(sender, b"READY=1")
    sockets.send(sender, b"STOPPING=1")
    assert world.readable(receiver)
    first = sockets.receive(receiver, 100)
    assert (first.data, first.sender, first.truncated) == (b"READY=1", us(world), False)
    second = sockets.receive(receiver, 4)
    assert (second.data, second.truncated) == (b"STOP", True)
    assert sockets.receive(receiver, 10) is None
    assert sockets.address(receiver) == address
    world.posix.files.close(receiver)
    assert number_of(lambda: sockets.send(sender, b"x")) == errno.ECONNREFUSED


def test_tcp(world) -> None:
    """Port 0 lets the kernel choose; the address that is told can be connected to."""
    sockets = world.posix.sockets
    listener = sockets.bind("127.0.0.1:0")
    sockets.listen(listener, 8)
    address = sockets.address(listener)
    assert address.startswith("127.0.0.1:")
    client = sockets.connect(address)
    assert world.readable(listener)
    server = sockets.accept(listener)
    assert server is not None
    sockets.send(client, b"GET")
    assert world.readable(server)
    assert sockets.receive(server, 10).data == b"GET"
    world.posix.files.close(client)
    assert world.readable(server)
    assert sockets.receive(server, 10).data == b""


def test_port_taken(world) -> None:
    """A port on which somebody listens is refused, by name."""
    sockets = world.posix.sockets
    listener = sockets.bind("127.0.0.1:0")
    sockets.listen(listener, 8)
    address = sockets.address(listener)
    with pytest.raises(PosixError) as caught:
        sockets.bind(address)
    assert str(caught.value) == f"cannot bind {address}: address already in use (EADDRINUSE)"
    every = f"*:{address.rpartition(':')[2]}"
    assert number_of(lambda: sockets.bind(every)) == errno.EADDRINUSE


def test_port_bound_twice(world) -> None:
    """Bound but not listening with SO_REUSEADDR, a port has two owners until one listens."""
    sockets = world.posix.sockets
    first = sockets.bind("127.0.0.1:0")
    second = sockets.bind(sockets.address(first))
    sockets.listen(second, 1)
    assert number_of(lambda: sockets.listen(first, 1)) == errno.EADDRINUSE


def test_reserved_port(world) -> None:
    """A reserved port has one owner before it listens, on its address and on every address, and refuses connections."""
    sockets = world.posix.sockets
    ours = sockets.bind("127.0.0.1:0", reserved=True)
    address = sockets.address(ours)
    assert number_of(lambda: sockets.bind(address)) == errno.EADDRINUSE
    assert number_of(lambda: sockets.bind(f"*:{address.rpartition(':')[2]}")) == errno.EADDRINUSE
    assert number_of(lambda: sockets.connect(address)) == errno.ECONNREFUSED
    sockets.listen(ours, 1)
    assert sockets.connect(address) >= 0


def test_reserved_beside_another(world) -> None:
    """Who bound it before, without listening, cannot listen once it is reserved; the reservation can."""
    sockets = world.posix.sockets
    rival = sockets.bind("127.0.0.1:0")
    ours = sockets.bind(sockets.address(rival), reserved=True)
    assert number_of(lambda: sockets.listen(rival, 1)) == errno.EADDRINUSE
    sockets.listen(ours, 1)
    assert sockets.is_listening(ours)


def test_reserved_port_that_was_served(world) -> None:
    """Connections of an earlier listener that are not over yet are not in the way of the reservation, nor of its listening."""
    sockets = world.posix.sockets
    before = sockets.bind("127.0.0.1:0")
    sockets.listen(before, 1)
    address = sockets.address(before)
    client = sockets.connect(address)
    world.readable(before)
    server = sockets.accept(before)
    world.posix.files.close(before)
    world.posix.files.close(server)  # first, so that the port is the one that waits
    world.readable(client)
    world.posix.files.close(client)
    sockets.listen(sockets.bind(address, reserved=True), 1)


def test_longer_queue(world) -> None:
    """A second `listen` changes the queue of a socket that accepts, and keeps what waits."""
    sockets = world.posix.sockets
    listener = sockets.bind("unix:s", folder=world.open_folder())
    sockets.listen(listener, 0)
    first = sockets.connect("unix:s", folder=world.open_folder())
    assert number_of(lambda: sockets.connect("unix:s", folder=world.open_folder())) == errno.EAGAIN
    sockets.listen(listener, 5)
    sockets.connect("unix:s", folder=world.open_folder())
    sockets.send(first, b"first")
    assert sockets.receive(sockets.accept(listener), 10).data == b"first"


def test_udp(world) -> None:
    """A udp port is bound once, and receives."""
    sockets = world.posix.sockets
    receiver = sockets.bind("udp:127.0.0.1:0")
    address = sockets.address(receiver)
    assert address.startswith("udp:127.0.0.1:")
    assert number_of(lambda: sockets.bind(address)) == errno.EADDRINUSE
    sender = sockets.connect(address)
    sockets.send(sender, b"x")
    assert world.readable(receiver)
    assert sockets.receive(receiver, 10).data == b"x"
    assert number_of(lambda: sockets.listen(receiver, 1)) == errno.EOPNOTSUPP


def test_connection_refused(world) -> None:
    """A port where nobody listens refuses."""
    listener = world.posix.sockets.bind("127.0.0.1:0")
    address = world.posix.sockets.address(listener)
    assert number_of(lambda: world.posix.sockets.connect(address)) == errno.ECONNREFUSED


@pytest.mark.parametrize("address", ["", "8080", "host:1:2", "127.0.0.1:99999", "unix:", "127.0.0.1:-1"])
def test_no_address(world, address) -> None:
    """What is no address is EINVAL, and is never looked up as a name."""
    assert number_of(lambda: world.posix.sockets.bind(address)) == errno.EINVAL
    assert number_of(lambda: world.posix.sockets.connect(address)) == errno.EINVAL


def test_not_a_socket(world) -> None:
    """A pipe is no socket, and does not listen; nor does a number that is not open."""
    reader, _ = world.posix.files.pipe()
    assert not world.posix.sockets.is_listening(reader)
    assert not world.posix.sockets.is_listening(999)
    assert number_of(lambda: world.posix.sockets.receive(reader, 1)) == errno.ENOTSOCK
    assert number_of(lambda: world.posix.sockets.listen(reader, 1)) == errno.ENOTSOCK
    assert number_of(lambda: world.posix.sockets.peer(reader)) == errno.ENOTSOCK
    assert number_of(lambda: world.posix.sockets.send(999, b"x")) == errno.EBADF


def test_end_with_a_process(world) -> None:
    """A socket held by another process ends when that is killed."""
    one, other = world.posix.sockets.pair()
    pid = world.start("sleep", "60", descriptors=((other, 9),))
    world.posix.files.close(other)
    assert world.posix.sockets.receive(one, 10) is None
    world.posix.processes.signal(world.posix.processes.open(pid), SIGKILL)
    assert world.readable(one)
    assert world.posix.sockets.receive(one, 10).data == b""


def test_privileged_port(world) -> None:
    """Without root a port below 1024 is refused with EACCES, where the host keeps them."""
    if world.is_root:
        pytest.skip("root may")
    if world.fake is None and int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 1024:
        pytest.skip("this host lets anybody bind them")
    with pytest.raises(PosixError) as caught:
        world.posix.sockets.bind("127.0.0.1:81")
    assert str(caught.value) == "cannot bind 127.0.0.1:81: permission denied (EACCES)"
