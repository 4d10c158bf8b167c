"""Listening sockets of a real spawner: reserved, opened, changed in place."""

from __future__ import annotations

import errno
import grp
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snowfox.contract.spawner import Listening, ListenSpec, Spawner
from snowfox.errors import NotPermitted, PosixError, UserError
from snowfox.testing.spawner import RealSpawner

pytestmark = pytest.mark.system
is_root = os.geteuid() == 0


def spec(name: str, address: str, **changes: int | str) -> ListenSpec:
    """A listening socket."""
    return ListenSpec(f"{name}={address}", address)._replace(**changes)  # type: ignore[arg-type]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody has."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_reserved(spawner: RealSpawner) -> None:
    """Nobody else can bind a reserved port, connections are refused until it is opened, then it is the same socket."""
    front = spec("front", f"127.0.0.1:{free_port()}")
    host, _, port = front.address.partition(":")
    assert spawner.manager.call(Spawner.reserve, front) == Listening(*front[:2], reserved=True)
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for taken in (host, "0.0.0.0"):
            with pytest.raises(OSError, match="in use"):
                rival.bind((taken, int(port)))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)
    spawner.daemon.pump(0.2)
    assert spawner.kept == {}
    assert spawner.manager.call(Spawner.open_socket, front) == Listening(*front[:2])
    socket.create_connection((host, int(port)), timeout=5).close()
    spawner.daemon.pump(1)
    assert set(spawner.kept) == {front.key}


def test_reservation_given_back(spawner: RealSpawner) -> None:
    """Closed, or when another manager comes: the port is free, and what is open stays."""
    first, second, opened = (spec("front", f"127.0.0.1:{free_port()}") for _ in range(3))
    spawner.manager.call(Spawner.open_socket, opened)
    for each in (first, second):
        spawner.manager.call(Spawner.reserve, each)
    spawner.manager.call(Spawner.close_socket, first.key)
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first.address.partition(":")[2])))
    spawner.attach()
    assert spawner.manager.call(Spawner.sockets) == [Listening(*opened[:2])]
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(second.address.partition(":")[2])))


def test_after_served_connections(spawner: RealSpawner) -> None:
    """A port with connections that are not over yet (TIME_WAIT) can be reserved and opened."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = server.accept()
        served.close()
        time.sleep(0.05)
        client.close()
    front = spec("front", f"127.0.0.1:{port}")
    spawner.manager.call(Spawner.reserve, front)
    spawner.manager.call(Spawner.open_socket, front)


def test_rival_of_a_reservation(spawner: RealSpawner) -> None:
    """Who has the port is named: another program, or the socket of this node that has a part of it."""
    with socket.create_server(("127.0.0.1", 0)) as rival, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        for prefix, taken in (("", rival), ("udp:", datagrams)):
            front = spec("front", f"{prefix}127.0.0.1:{taken.getsockname()[1]}")
            with pytest.raises(PosixError) as caught:
                spawner.manager.call(Spawner.reserve, front)
            assert caught.value.errno == errno.EADDRINUSE
            assert f"(pid {os.getpid()})" in caught.value.hint
    ours = spec("main", f"127.0.0.1:{free_port()}")
    spawner.manager.call(Spawner.open_socket, ours)
    every = spec("front", f"0.0.0.0:{ours.address.partition(':')[2]}")
    with pytest.raises(PosixError) as caught:
        spawner.manager.call(Spawner.reserve, every)
    assert caught.value.hint == f"held by socket main of this node ({ours.address})"


def test_rival_on_another_address(spawner: RealSpawner) -> None:
    """A listener on another address of the same port is not in the way, and is not blamed."""
    with socket.create_server(("127.0.0.1", 0)) as rival:
        port = rival.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            front = spec("front", f"127.0.0.3:{port}")
            assert spawner.manager.call(Spawner.reserve, front).reserved


@pytest.mark.parametrize(
    ("address", "number"), [("192.0.2.1:18081", errno.EADDRNOTAVAIL), ("[2001:db8::1]:18081", None)]
)
def test_address_of_another_host(spawner: RealSpawner, address: str, number: int | None) -> None:
    """An address that this host does not have (RFC 5737, 3849) is one clear line."""
    with pytest.raises(PosixError) as caught:
        spawner.manager.call(Spawner.reserve, spec("front", address))
    assert str(caught.value).startswith(f"cannot open {address} for socket front: ")
    if number is not None:  # without IPv6 the other one is another errno
        assert caught.value.errno == number
        assert "does not have the address" in caught.value.hint


@pytest.mark.skipif(not is_root, reason="policy of root's node")
def test_port_below_1024_refused(spawner: RealSpawner) -> None:
    """Without a policy: with the line that would allow it."""
    with pytest.raises(NotPermitted) as caught:
        spawner.manager.call(Spawner.reserve, spec("front", "127.0.0.1:700"))
    assert str(caught.value) == "cannot open 127.0.0.1:700 for socket front: not allowed by policy"
    assert 'ports = ["700", "0", "1024-65535"]' in caught.value.hint


@pytest.mark.skipif(not is_root, reason="policy of root's node")
def test_port_below_1024_allowed(make: Callable[..., RealSpawner]) -> None:
    """Allowed by policy it is reserved; taken, the rival is named."""
    port = next(number for number in range(700, 1000) if _is_free(number))
    front = spec("front", f"127.0.0.1:{port}")
    spawner = make(policy=f'ports = ["{port}"]')
    assert spawner.manager.call(Spawner.reserve, front).reserved
    spawner.manager.call(Spawner.close_socket, front.key)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PosixError) as taken:
        spawner.manager.call(Spawner.reserve, front)
    assert f"(pid {os.getpid()})" in taken.value.hint


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_backlog_in_place(spawner: RealSpawner) -> None:
    """The queue of an open socket grows and shrinks; what waits in it stays, and so does the socket."""
    front = spec("front", f"127.0.0.1:{free_port()}", backlog=1)
    port = int(front.address.partition(":")[2])
    spawner.manager.call(Spawner.open_socket, front)
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(2)]
    spawner.manager.call(Spawner.open_socket, front._replace(backlog=64))
    waiting += [socket.create_connection(("127.0.0.1", port), timeout=0.9) for _ in range(20)]
    spawner.manager.call(Spawner.open_socket, front._replace(backlog=1))
    spawner.daemon.pump(1)
    with socket.socket(fileno=os.dup(spawner.kept[front.key])) as kept:
        kept.setblocking(False)
        for client in waiting:
            kept.accept()[0].close()
            client.close()


def test_datagrams(spawner: RealSpawner) -> None:
    """A socket of datagrams is reserved alone, opened, passed, and receives."""
    dns = spec("dns", f"udp:127.0.0.1:{free_port(socket.SOCK_DGRAM)}")
    port = int(dns.address.rpartition(":")[2])
    assert spawner.manager.call(Spawner.reserve, dns) == Listening(*dns[:2], reserved=True)
    with socket.socket(type=socket.SOCK_DGRAM) as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            rival.bind(("127.0.0.1", port))
    assert spawner.manager.call(Spawner.open_socket, dns) == Listening(*dns[:2])
    spawner.daemon.pump(1)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"question", ("127.0.0.1", port))
    with socket.socket(fileno=os.dup(spawner.kept[dns.key])) as kept:
        assert (kept.type, kept.recv(100)) == (socket.SOCK_DGRAM, b"question")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("prefix", ["", "udp:"])
def test_both_families(spawner: RealSpawner, prefix: str) -> None:
    """Every address of IPv6 is IPv6 alone, so that every address of IPv4 can be had beside it, by tcp and udp."""
    kind = socket.SOCK_DGRAM if prefix else socket.SOCK_STREAM
    port = free_port(kind)
    try:
        spawner.manager.call(Spawner.reserve, spec("six", f"{prefix}[::]:{port}"))
    except PosixError as error:
        pytest.skip(str(error))
    spawner.manager.call(Spawner.reserve, spec("four", f"{prefix}0.0.0.0:{port}"))
    with pytest.raises(PosixError, match="EADDRINUSE") as caught:
        spawner.manager.call(Spawner.reserve, spec("local", f"{prefix}[::1]:{port}"))
    assert caught.value.hint == f"held by socket six of this node ({prefix}[::]:{port})"


def test_unix_socket(spawner: RealSpawner) -> None:
    """Reserved it is bound and refuses; open it serves with its mode; its file goes with it, and nothing else is left."""
    folder = spawner.folder / "run" / ("deep" * 30)
    folder.mkdir(parents=True)
    path = folder / "front.sock"
    front = spec("front", f"unix:{path}", mode=0o600)
    assert spawner.manager.call(Spawner.reserve, front).reserved
    assert path.stat().st_mode & 0o777 == 0o600
    near = os.open(folder, os.O_PATH)
    reachable = f"/proc/self/fd/{near}/front.sock"
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(reachable)
    before = path.stat().st_ino
    spawner.manager.call(Spawner.open_socket, front._replace(mode=0o640))
    assert (path.stat().st_mode & 0o777, path.stat().st_ino) == (0o640, before)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(reachable)
    os.close(near)
    assert os.listdir(folder) == ["front.sock"]
    spawner.manager.call(Spawner.close_socket, front.key)
    assert os.listdir(folder) == []


def test_unix_socket_in_the_way(spawner: RealSpawner) -> None:
    """A stale file is replaced; one that is served, by a rival or by this node, is not, and is named."""
    path = spawner.folder / "front.sock"
    front = spec("front", f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    spawner.manager.call(Spawner.reserve, front)
    with pytest.raises(PosixError) as caught:
        spawner.manager.call(Spawner.reserve, spec("other", front.address))
    assert caught.value.hint == f"held by socket front of this node ({front.address})"
    spawner.manager.call(Spawner.close_socket, front.key)
    with socket.socket(socket.AF_UNIX) as rival:
        rival.bind(str(path))
        rival.listen()
        with pytest.raises(PosixError) as caught:
            spawner.manager.call(Spawner.reserve, front)
    assert caught.value.errno == errno.EADDRINUSE
    assert f"(pid {os.getpid()})" in caught.value.hint
    assert path.exists()


@pytest.mark.skipif(not is_root, reason="only root may give files away")
def test_owner_of_a_unix_socket(spawner: RealSpawner) -> None:
    """Given to user and group; only they get through."""
    path = spawner.folder / "front.sock"
    front = spec("front", f"unix:{path}", mode=0o660, user="61500", group="daemon")
    spawner.manager.call(Spawner.open_socket, front)
    found = path.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (
        0o660,
        61500,
        grp.getgrnam("daemon").gr_gid,
    )
    with pytest.raises(UserError, match="no group no-such-group"):
        spawner.manager.call(Spawner.open_socket, front._replace(group="no-such-group"))


_ATTACK = """
import os, sys
_, folder, victim = sys.argv
def try_all(path):
    for attempt in (lambda: os.rename(path, path + "x"), lambda: os.unlink(path), lambda: os.symlink(victim, path)):
        try:
            attempt()
        except OSError:
            pass
while True:
    for name in os.listdir(folder):
        try_all(f"{folder}/{name}")
"""
"""Puts links to the victim into the place of whatever comes, as fast as it goes."""


@pytest.mark.skipif(not is_root, reason="a folder of another user")
def test_folder_of_another_user_under_attack(make: Callable[..., RealSpawner]) -> None:
    """Its owner, who swaps and removes all that appears in it, never gets another file given away than the socket's own."""
    with tempfile.TemporaryDirectory() as reachable:
        parent = Path(reachable)
        parent.chmod(0o755)
        folder, victim = parent / "open", parent / "victim"
        folder.mkdir()
        victim.write_text("root's")
        victim.chmod(0o644)
        os.chown(folder, 61500, 61500)
        spawner = make(policy=f'sockets = ["{folder}"]')
        words = ["/usr/bin/python3", "-I", "-S", "-c", _ATTACK, str(folder), str(victim)]
        attacker = subprocess.Popen(words, user=61500, group=61500, extra_groups=[])
        try:
            opened = [
                _open_under_attack(spawner, f"unix:{folder}/front{number}.sock") for number in range(150)
            ]
        finally:
            attacker.kill()
            ended = attacker.wait()
        assert ended == -signal.SIGKILL
        assert sum(opened) > 0
        assert (victim.stat().st_uid, victim.stat().st_mode & 0o777) == (0, 0o644)
        assert victim.read_text() == "root's"


def _open_under_attack(spawner: RealSpawner, address: str) -> bool:
    front = spec("front", address, mode=0o666, user="61500")
    try:
        spawner.manager.call(Spawner.open_socket, front)
        spawner.manager.call(Spawner.open_socket, front._replace(mode=0o600))
        spawner.manager.call(Spawner.close_socket, front.key)
    except PosixError:
        return False
    return True
