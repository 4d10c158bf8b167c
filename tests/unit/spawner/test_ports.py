"""Listening sockets, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.contract.spawner import Listening
from snowfox.core.posix.api import Ids
from snowfox.errors import PosixError
from snowfox.spawner.in_force import InForce
from snowfox.spawner.policy import Policy
from snowfox.spawner.ports import Ports
from snowfox.spawner.socket_file import Look
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
    assert bench.ports.listening("front=127.0.0.1:0").address not in {"127.0.0.1:0", ""}


def test_reserved(bench: Bench) -> None:
    """A reserved socket is known and not open; it is the one that listens later, and nobody else gets the port before."""
    bench.ports.reserve(KEY, [])
    assert KEY in bench.ports
    assert (bench.ports.get(KEY), bench.ports.all()) == (None, [])
    assert bench.ports.listings() == [Listening(KEY, "127.0.0.1:8080", reserved=True)]
    rival = FakePosix(bench.kernel)
    for address in ("127.0.0.1:8080", "0.0.0.0:8080"):
        with pytest.raises(PosixError, match="EADDRINUSE"):
            rival.sockets.bind(address)
    before = len(bench.posix.process.descriptors)
    bench.ports.reserve(KEY, [])
    bench.ports.open(KEY, 10, [])
    opened = bench.ports.get(KEY)
    assert opened is not None
    assert bench.posix.sockets.is_listening(opened)
    assert bench.ports.listings() == [Listening(KEY, "127.0.0.1:8080")]
    assert len(bench.posix.process.descriptors) == before


def test_reserving_what_is_open(bench: Bench) -> None:
    """It stays open, and the same."""
    bench.ports.open(KEY, 10, [])
    first = bench.ports.get(KEY)
    bench.ports.reserve(KEY, [])
    assert bench.ports.get(KEY) == first


def test_reservation_given_back(bench: Bench) -> None:
    """By closing it, and all of them by `release`, which leaves what is open."""
    bench.kernel.folder("/srv/shop/run")
    before = len(bench.posix.process.descriptors)
    bench.ports.reserve(KEY, [])
    assert bench.ports.close(KEY)
    FakePosix(bench.kernel).sockets.bind("127.0.0.1:8080")
    bench.ports.open("api=127.0.0.1:8081", 10, [])
    bench.ports.reserve("api=127.0.0.1:8082", [])
    bench.ports.reserve(FILE, [])
    bench.ports.release()
    assert [one.key for one in bench.ports.listings()] == ["api=127.0.0.1:8081"]
    assert bench.posix.folders.names("/srv/shop/run") == []
    assert len(bench.posix.process.descriptors) == before + 1


def test_reserved_datagrams(bench: Bench) -> None:
    """A socket of datagrams is bound alone and opened without listening."""
    key = "dns=udp:127.0.0.1:5353"
    bench.ports.reserve(key, [])
    with pytest.raises(PosixError, match="EADDRINUSE"):
        FakePosix(bench.kernel).sockets.bind("udp:127.0.0.1:5353")
    bench.ports.open(key, 10, [])
    assert bench.ports.listings() == [Listening(key, "udp:127.0.0.1:5353")]


def test_listening_fails(bench: Bench) -> None:
    """What was reserved stays so; what was not is given back whole."""
    bench.kernel.fail("listen", errno.EADDRINUSE)
    before = len(bench.posix.process.descriptors)
    with pytest.raises(PosixError, match=r"cannot open 127\.0\.0\.1:8080 for socket front"):
        bench.ports.open(KEY, 10, [])
    assert (len(bench.ports), len(bench.posix.process.descriptors)) == (0, before)
    bench.ports.reserve(KEY, [])
    with pytest.raises(PosixError):
        bench.ports.open(KEY, 10, [])
    assert bench.ports.listings() == [Listening(KEY, "127.0.0.1:8080", reserved=True)]


def test_backlog_changes_in_place(bench: Bench) -> None:
    """Opened again with another backlog, it is the same socket with a longer queue, and what waits in it stays."""
    bench.ports.open(KEY, 0, [])
    client = FakePosix(bench.kernel)
    client.sockets.connect("127.0.0.1:8080")
    with pytest.raises(PosixError):
        client.sockets.connect("127.0.0.1:8080")
    opened = bench.ports.get(KEY)
    assert opened is not None
    before = inode(bench, opened)
    bench.ports.open(KEY, 5, [])
    client.sockets.connect("127.0.0.1:8080")
    assert inode(bench, opened) == before
    bench.posix.files.set_blocking(opened, blocking=False)
    assert [bench.posix.sockets.accept(opened) is not None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("127.0.0.1:8080", "0.0.0.0:8080"),
        ("0.0.0.0:8080", "127.0.0.1:8080"),
        ("udp:[::]:53", "udp:[::1]:53"),
        ("unix:/srv/shop/run/front.sock", "unix:/srv/shop/run/front.sock"),
        ("unix:@front", "unix:@front"),
    ],
)
def test_in_the_way_of_ourselves(bench: Bench, first: str, second: str, is_open: bool) -> None:
    """An address that another socket of the node has, or a part of it: the refusal names that socket."""
    bench.kernel.folder("/srv/shop/run")
    if is_open:
        bench.ports.open(f"main={first}", 10, [])
    else:
        bench.ports.reserve(f"main={first}", [])
    with pytest.raises(PosixError) as caught:
        bench.ports.reserve(f"front={second}", [])
    assert str(caught.value) == f"cannot open {second} for socket front: address already in use (EADDRINUSE)"
    assert caught.value.hint == f"held by socket main of this node ({first})"
    assert [one.key for one in bench.ports.listings()] == [f"main={first}"]


def test_address_of_another_host(bench: Bench) -> None:
    """One clear line more."""
    bench.kernel.fail("bind", errno.EADDRNOTAVAIL, address="10.9.9.9:80")
    with pytest.raises(PosixError, match="EADDRNOTAVAIL") as caught:
        bench.ports.reserve("front=10.9.9.9:80", [])
    assert caught.value.hint == "this host does not have the address 10.9.9.9 (ip address lists what it has)"


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
    assert bench.ports.listening(FILE).address == "unix:/srv/shop/run/front.sock"
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


def test_reserved_file_taken_away(bench: Bench) -> None:
    """Where the file of a reserved socket is gone it is made anew; where somebody else listens now, that is the error."""
    bench.kernel.folder("/srv/shop/run")
    bench.ports.reserve(FILE, [])
    bench.posix.folders.remove("/srv/shop/run/front.sock")
    bench.ports.open(FILE, 10, [])
    client = FakePosix(bench.kernel)
    client.sockets.connect("unix:/srv/shop/run/front.sock")
    bench.ports.close(FILE)
    bench.ports.reserve(FILE, [])
    bench.posix.folders.remove("/srv/shop/run/front.sock")
    client.sockets.listen(client.sockets.bind("unix:/srv/shop/run/front.sock"), 1)
    with pytest.raises(PosixError, match="EADDRINUSE"):
        bench.ports.open(FILE, 10, [])
    assert FILE not in bench.ports
    assert bench.posix.folders.names("/srv/shop/run") == ["front.sock"]


def test_look_changes_in_place(bench: Bench) -> None:
    """Opened again with another mode and owner, the file has them; that of an earlier spawner stays as it is."""
    bench.kernel.folder("/srv/shop/run")
    path = "/srv/shop/run/front.sock"
    bench.ports.open(FILE, 10, [])
    number = bench.posix.files.stat(path).inode
    bench.ports.open(FILE, 10, [], look=Look(0o600, 1000, -1))
    found = bench.posix.files.stat(path)
    assert (found.inode, found.mode & 0o777, found.uid, found.gid) == (number, 0o600, 1000, 0)
    descriptor = bench.ports.get(FILE)
    assert descriptor is not None
    after = Ports(bench.posix, bench.rules)
    after.restore(FILE, bench.posix.files.duplicate(descriptor))
    after.open(FILE, 10, [])
    assert bench.posix.files.stat(path).mode & 0o777 == 0o600
    assert after.close(FILE)
    assert bench.posix.folders.names("/srv/shop/run") == []


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
    ports = Ports(posix, InForce(posix, Policy(own=1000, manager=1000, home="/home/a")))
    ports.open("front=unix:/home/a/run/x.sock", 10, [])
    assert posix.folders.names("/home/a/run") == ["x.sock"]


def link(bench: Bench, path: str, target: str) -> None:
    """A symbolic link on the fake disk."""
    parent, _, name = path.rpartition("/")
    folder = bench.kernel.folder(parent)
    folder.entries[name] = LinkNode(target, Ids(0, 0, (0,)), bench.kernel.disk.number())
