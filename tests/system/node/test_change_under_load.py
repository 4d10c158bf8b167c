"""Fifty changes while clients come all the time: nobody is refused, nobody gets a wrong answer."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.node import Node
from snowfox.testing.world import free_ports, listeners, python_of_services

APPLIES = 50

SERVER = """
import os, signal, socket, sys
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    listener = socket.socket(fileno=3)
    listener.settimeout(0.02)
    notify.sendto(b"READY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
while not ending:
    try:
        client = listener.accept()[0]
    except TimeoutError:
        continue
    with client:
        client.settimeout(5)
        client.sendall(b"hello " + client.recv(100))
"""


class Clients:
    """Threads that connect, ask and look at the answer, one connection after another, while the block lasts."""

    def __init__(self, port: int, count: int = 3) -> None:
        self._port = port
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]
        self.answers = [0] * count
        self.problems: list[str] = []

    def _ask(self, number: int) -> None:
        while not self._ending.is_set():
            asked = f"{number} {self.answers[number]}".encode()
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                    connection.sendall(asked)
                    answer = connection.recv(100)
            except OSError as error:
                self.problems.append(repr(error))
            else:
                if answer != b"hello " + asked:
                    self.problems.append(f"{answer!r} to {asked!r}")
            self.answers[number] += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


def version(port: int, number: int) -> str:
    """The configuration of a number: environment, command, instances and what is beside differ in turn."""
    python = python_of_services() or pytest.skip("no Python for services")
    others = "".join(
        f'[service.other-{one}]\ncommand = ["sleep", "{1000 + number}"]\ndirectory = "/"\n'
        for one in range(number % 3)
    )
    return f"""
[socket.front]
listen = "127.0.0.1:{port}"
backlog = 512

[service.web]
command = ["{python}", "-I", "-S", "-c", '''{SERVER}''', "{number // 4}"]
directory = "/"
environment = {{ NUMBER = "{(number + 1) // 4}" }}
sockets = ["front"]
instances = {2 + (number + 2) // 4 % 2}
ready = {{ notify = true }}

[service.keep]
command = ["sleep", "1000"]
directory = "/"
instances = 2

{others}"""


def test_nobody_is_refused(node: Node) -> None:
    """The socket is the same one throughout, and what did not change keeps its processes."""
    (port,) = free_ports(1)
    node.write(version(port, 0))
    node.good("up", "-d")
    kept = {name: one for name, one in node.running().items() if name.startswith("keep")}
    inode = listeners(port)
    assert (len(kept), len(inode)) == (2, 1)
    with node.session() as session, Clients(port) as clients:
        for number in range(1, APPLIES + 1):
            node.write(version(port, number))
            before = list(clients.answers)
            (*_, end) = session.stream(Manager.apply, "", False, 0, False)
            assert end.code == 0, (end, node.log())
            assert listeners(port) == inode
            assert clients.answers != before
            now = {one.id: one for one in session.call(Manager.status, "*").instances}
            assert {name: (now[name].pid, now[name].started) for name in kept} == kept
    assert clients.problems == []
    assert len([name for name in now if name.startswith("web")]) == 2 + (APPLIES + 2) // 4 % 2
