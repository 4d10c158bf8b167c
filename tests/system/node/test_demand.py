"""Services that start on the first connection or datagram, and stop after idle: real sockets, nothing lost."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.clients import SERVER
from snowfox.testing.node import Node, alive
from snowfox.testing.world import free_ports, python_of_services

DATAGRAMS = """
import socket
with socket.socket(fileno=3) as receiver:
    while True:
        text, sender = receiver.recvfrom(1000)
        receiver.sendto(b"hello " + text, sender)
"""


def python() -> str:
    """That services can reach."""
    return python_of_services() or pytest.skip("no Python for services")


def web(listen: str, more: str = "", program: str = SERVER) -> str:
    """A service on demand."""
    return f"""
[socket.front]
listen = "{listen}"

[service.web]
command = ["{python()}", "-I", "-S", "-c", '''{program}''']
directory = "/"
sockets = ["front"]
start = "on-demand"
{more}
"""


def ask(family: int, address: object, text: bytes = b"you") -> bytes:
    """What the service answers to one connection."""
    with socket.socket(family) as connection:
        connection.settimeout(10)
        connection.connect(address)
        connection.sendall(text)
        return connection.recv(100)


def state(node: Node) -> str:
    """Of the service."""
    return str(node.status()["web"]["state"])


@pytest.mark.parametrize("form", ["tcp", "unix"])
def test_first_connection(node: Node, form: str) -> None:
    """`up` has nothing to wait for; the first connection is answered, a crash does not wait for the next."""
    (port,) = free_ports(1)
    path = str(node.folder / "front.sock")
    listen = f"127.0.0.1:{port}" if form == "tcp" else f"unix:{path}"
    family = socket.AF_INET if form == "tcp" else socket.AF_UNIX
    address = ("127.0.0.1", port) if form == "tcp" else path
    node.write(web(listen, "ready = { notify = true }"))
    node.good("up", "-d")
    row = node.status()["web"]
    assert (row["state"], row["light"], row["pid"]) == ("waiting", "green", 0)
    assert node.run("status").code == 0
    assert ask(family, address) == b"hello you"
    node.until(lambda: state(node) == "ready", "it is ready")
    assert f"something came for socket front, {listen}" in node.good("why", "web")
    pid = node.running()["web"].pid
    os.kill(pid, 9)
    node.until(lambda: node.running().get("web", (pid,))[0] != pid, "it is back by itself")
    assert ask(family, address) == b"hello you"


def test_first_datagram(node: Node) -> None:
    """It is read by the service that it starts."""
    (port,) = free_ports(1)
    node.write(web(f"udp:127.0.0.1:{port}", program=DATAGRAMS))
    node.good("up", "-d")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"first", ("127.0.0.1", port))
        assert client.recv(100) == b"hello first"


def test_idle_and_again_without_losing_one(node: Node) -> None:
    """Clients come at random while it falls asleep all the time: each is answered, though it starts many times."""
    (port,) = free_ports(1)
    node.write(web(f"127.0.0.1:{port}", 'ready = { notify = true }\nidle = "60ms"'))
    node.good("up", "-d")
    pids: set[int] = set()
    problems: list[str] = []

    def come(number: int) -> None:
        for turn in range(12):
            text = f"{number} {turn}".encode()
            try:
                if ask(socket.AF_INET, ("127.0.0.1", port), text) != b"hello " + text:
                    problems.append(f"{text!r}: another answer")
            except OSError as error:
                problems.append(f"{text!r}: {error!r}")
            time.sleep(0.013 * ((7 * number + 5 * turn) % 17))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    with node.session() as session:
        while any(thread.is_alive() for thread in threads):
            pids |= {one.pid for one in session.call(Manager.status, "*").instances if one.pid}
            time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert problems == []
    for _ in range(2):
        node.until(lambda: state(node) == "waiting", "it sleeps")
        assert ask(socket.AF_INET, ("127.0.0.1", port)) == b"hello you"
    node.until(lambda: state(node) == "waiting", "it sleeps in the end")
    assert not any(alive(pid) for pid in pids)
    assert node.status()["web"]["restarts"] == 0


@pytest.mark.parametrize("form", ["tcp", "unix"])
def test_an_open_connection_is_not_idle(node: Node, form: str) -> None:
    """However long it is quiet; and requests that are over at once count, too."""
    (port,) = free_ports(1)
    path = str(node.folder / "front.sock")
    listen = f"127.0.0.1:{port}" if form == "tcp" else f"unix:{path}"
    address = ("127.0.0.1", port) if form == "tcp" else path
    node.write(web(listen, 'ready = { notify = true }\nidle = "300ms"'))
    node.good("up", "-d")
    with socket.socket(socket.AF_INET if form == "tcp" else socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(address)
        node.until(lambda: state(node) == "ready", "it is ready")
        pid = node.running()["web"].pid
        time.sleep(1)
        connection.sendall(b"late")
        assert connection.recv(100) == b"hello late"
    with node.session() as session:
        for _ in range(8):
            ask(socket.AF_INET if form == "tcp" else socket.AF_UNIX, address)
            assert [one.pid for one in session.call(Manager.status, "*").instances] == [pid]
            time.sleep(0.15)
    node.until(lambda: state(node) == "waiting", "it sleeps")


def test_our_processes_die_while_it_sleeps(node: Node) -> None:
    """Whoever takes their places watches the socket again."""
    (port,) = free_ports(1)
    node.write(web(f"127.0.0.1:{port}", 'ready = { notify = true }\nidle = "200ms"'))
    node.good("up", "-d")
    for role in ("spawner", "manager"):
        before = node.processes()[role]
        node.kill(role)
        node.until(
            lambda role=role, before=before: node.processes().get(role, before) != before, "another came"
        )
        node.until(lambda: node.run("status").code == 0, "it can be asked")
        assert ask(socket.AF_INET, ("127.0.0.1", port)) == b"hello you"
        node.until(lambda: state(node) == "waiting", "it sleeps again")
    assert Path(node.home).exists()
