"""Listening sockets, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.core.posix.api import Ids
from snowfox.errors import PosixError
from snowfox.spawner.policy import Policy
from snowfox.spawner.ports import Ports
from snowfox.testing.kernel import FakePosix
from snowfox.testing.kernel.disk import LinkNode
from snowfox.testing.launches import LAUNCH, TOKEN, Bench, host

KEY = "front=127.0.0.1:8080"
FILE = "front=unix:/srv/shop/run/front.sock"


def inode(bench: Bench, descriptor: int) -> int:
    """What names an open socket."""
    return bench.posix.files.stat(descriptor).inode


def test_open_twice_is_the_same(bench: Bench) -> None:
    """A key that is open stays the same socket."""
    bench.ports.open(KEY, 10, [])
    first = bench.ports.get(KEY)
    bench.ports.open(KEY, 10, [])
    assert bench.ports.get(KEY) == first
    assert first is not None
    assert bench.posix.sockets.is_listening(first)


def test_real_address(bench: Bench) -> None:
    """Port 0 becomes the one that the kernel chose."""
    bench.ports.open("front=127.0.0.1:0", 10, [])
    assert bench.ports.address("front=127.0.0.1:0") not in {"127.0.0.1:0", ""}


def test_taken(bench: Bench) -> None:
    """The error says for which socket, and the errno."""
    rival = FakePosix(bench.kernel)
    rival.sockets.listen(rival.sockets.bind("127.0.0.1:8080"), 1)
    with pytest.raises(PosixError) as caught:
        bench.ports.open(KEY, 10, [])
    assert (
        str(caught.value)
        == "cannot open 127.0.0.1:8080 for socket front: address already in use (EADDRINUSE)"
    )
    assert bench.ports.get(KEY) is None


def test_a_port_for_root_only(bench: Bench) -> None:
    """An ordinary user's node is told what to do about a port below 1024."""
    bench.kernel.fail("bind", errno.EACCES, port=80)
    with pytest.raises(PosixError, match="permission denied") as caught:
        bench.ports.open("front=127.0.0.1:80", 10, [])
    assert caught.value.hint == "ports below 1024 are for root: take another, or start the node as root"


def test_restored(bench: Bench) -> None:
    """What the daemon kept is used again; a duplicate of what is open is closed."""
    bound = bench.posix.sockets.bind("127.0.0.1:8080")
    bench.posix.sockets.listen(bound, 1)
    bench.ports.restore(KEY, bound)
    bench.ports.open(KEY, 10, [])
    assert bench.ports.get(KEY) == bound
    before = len(bench.posix.process.descriptors)
    bench.ports.restore(KEY, bench.posix.files.duplicate(bound))
    assert len(bench.posix.process.descriptors) == before


def test_found_in_a_running_service() -> None:
    """When all of ours died, the socket is taken back from the service that has it: the same queue."""
    kernel, daemon = host()
    first = Bench(kernel, daemon)
    first.ports.open(KEY, 10, [])
    opened = first.ports.get(KEY)
    assert opened is not None
    before = inode(first, opened)
    first.begin(LAUNCH._replace(sockets=[KEY], socket_names=["front"]))
    first.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    bench.ports.open(KEY, 10, bench.held.holders(KEY))
    again = bench.ports.get(KEY)
    assert again is not None
    assert inode(bench, again) == before
    assert bench.held.get(TOKEN) is not None


def test_something_else_in_a_running_service() -> None:
    """A service that put something else there does not get it opened for others."""
    kernel, daemon = host()
    first = Bench(kernel, daemon)
    first.ports.open(KEY, 10, [])
    process = first.begin(LAUNCH._replace(sockets=[KEY], socket_names=["front"]))
    first.ports.close(KEY)
    service = FakePosix(kernel, process=process)
    service.files.close(3)
    evil = service.sockets.bind("127.0.0.1:9999")
    service.sockets.listen(evil, 1)
    assert evil == 3
    first.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    bench.ports.open(KEY, 10, bench.held.holders(KEY))
    opened = bench.ports.get(KEY)
    assert opened is not None
    assert bench.posix.sockets.address(opened) == "127.0.0.1:8080"


def test_unix_socket(bench: Bench) -> None:
    """Its file is made for everybody who reaches its folder, and removed with it."""
    bench.kernel.folder("/srv/shop/run")
    bench.ports.open(FILE, 10, [])
    assert bench.ports.address(FILE) == "unix:/srv/shop/run/front.sock"
    found = bench.posix.files.stat("/srv/shop/run/front.sock")
    assert found.mode & 0o777 == 0o666
    assert bench.ports.close(FILE)
    assert bench.posix.folders.names("/srv/shop/run") == []
    assert not bench.ports.close(FILE)


def test_stale_unix_socket(bench: Bench) -> None:
    """A file that nobody listens on is replaced."""
    bench.kernel.folder("/srv/shop/run")
    before = FakePosix(bench.kernel)
    before.sockets.bind("unix:/srv/shop/run/front.sock")
    bench.kernel.signal(before.process, 9)
    bench.ports.open(FILE, 10, [])
    assert bench.ports.get(FILE) is not None


def test_living_unix_socket(bench: Bench) -> None:
    """A file that somebody listens on is not."""
    bench.kernel.folder("/srv/shop/run")
    rival = FakePosix(bench.kernel)
    rival.sockets.listen(rival.sockets.bind("unix:/srv/shop/run/front.sock"), 1)
    with pytest.raises(PosixError) as caught:
        bench.ports.open(FILE, 10, [])
    assert caught.value.errno == errno.EADDRINUSE


def test_file_in_the_way(bench: Bench) -> None:
    """What is no socket is never removed."""
    bench.kernel.write("/srv/shop/run/front.sock", b"precious")
    with pytest.raises(PosixError):
        bench.ports.open(FILE, 10, [])
    assert bench.posix.folders.names("/srv/shop/run") == ["front.sock"]


def test_no_link_is_followed(bench: Bench) -> None:
    """The owner of a folder on the way cannot lead root elsewhere."""
    bench.kernel.folder("/etc/secret")
    link(bench, "/srv/shop/run", "/etc/secret")
    with pytest.raises(PosixError):
        bench.ports.open(FILE, 10, [])
    assert bench.posix.folders.names("/etc/secret") == []


def test_ordinary_user_follows_links() -> None:
    """An ordinary user's node can go where its user can."""
    kernel, _ = host()
    ids = Ids(1000, 1000, (1000,))
    kernel.folder("/home/a/run", ids=ids)
    posix = FakePosix(kernel, uid=1000)
    ports = Ports(posix, Policy(own=1000, manager=1000, home="/home/a"))
    ports.open("front=unix:/home/a/run/x.sock", 10, [])
    assert posix.folders.names("/home/a/run") == ["x.sock"]


def link(bench: Bench, path: str, target: str) -> None:
    """A symbolic link on the fake disk."""
    parent, _, name = path.rpartition("/")
    folder = bench.kernel.folder(parent)
    folder.entries[name] = LinkNode(target, Ids(0, 0, (0,)), bench.kernel.disk.number())
