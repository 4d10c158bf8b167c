"""Fifty changes while clients come all the time: nobody is refused, nobody gets a wrong answer."""

from __future__ import annotations

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.clients import SERVER, Clients
from snowfox.testing.node import Node
from snowfox.testing.world import free_ports, listeners, python_of_services

APPLIES = 50


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
