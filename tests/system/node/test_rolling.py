"""Rolling replacements of real processes that share a socket, while clients come all the time."""

from __future__ import annotations

import json

import pytest

from snowfox.testing.clients import SERVER, Clients
from snowfox.testing.node import Node, alive
from snowfox.testing.world import free_ports, python_of_services


def web(port: int, number: int, replace: str, *, program: str = SERVER) -> str:
    """Three servers of a socket."""
    python = python_of_services() or pytest.skip("no Python for services")
    return f"""
[socket.front]
listen = "127.0.0.1:{port}"

[service.web]
command = ["{python}", "-I", "-S", "-c", '''{program}''']
directory = "/"
environment = {{ NUMBER = "{number}" }}
sockets = ["front"]
instances = 3
ready = {{ notify = true, timeout = "10s" }}
restart = {{ limit = 1 }}
replace = {replace}
"""


@pytest.mark.parametrize(
    "replace",
    [
        "{ surge = 3 }",
        "{ surge = 0, max-unavailable = 2 }",
        "{ surge = '50%', max-unavailable = '25%' }",
        "{ surge = 1, max-unavailable = 1, pause = '50ms' }",
    ],
)
def test_nobody_is_refused(node: Node, replace: str) -> None:
    """Each way of going on replaces all three and refuses nobody."""
    (port,) = free_ports(1)
    node.write(web(port, 1, replace))
    node.good("up", "-d")
    before = node.running()
    with Clients(port) as clients:
        node.write(web(port, 2, replace))
        node.good("apply")
    assert clients.problems == [] and min(clients.answers) > 0
    after = node.running()
    assert after.keys() == before.keys() and not {*after.values()} & {*before.values()}


def test_a_restart_is_rolling_and_keeps_the_old_ones_when_the_new_one_fails(node: Node) -> None:
    """`restart` refuses nobody; one that cannot start leaves all pids as they were, and tells why."""
    (port,) = free_ports(1)
    broken = node.folder / "broken"
    program = f"import os\nif os.path.exists({str(broken)!r}): raise SystemExit(3)\n{SERVER}"
    node.write(web(port, 1, '"rolling"', program=program))
    node.good("up", "-d")
    before = node.running()
    with Clients(port) as clients:
        node.good("restart", "web")
        between = node.running()
        assert not {*between.values()} & {*before.values()}
        broken.touch()
        broken.chmod(0o644)
        failed = node.run("restart", "--json", "web")
        assert failed.code == 1
        assert node.running() == between
        (*_, first, last) = [json.loads(line) for line in failed.out.splitlines()]
        assert "did not get ready" in failed.out and (first["is_well"], last["code"]) == (False, 1)
    assert clients.problems == []
    node.until(lambda: not any(alive(one.pid) for one in before.values()), "the first ones are gone")


def test_an_apply_that_fails_halfway_returns_to_the_old_ones(node: Node) -> None:
    """The second new one fails: the third old one was not touched, the first is replaced back; nobody is refused."""
    (port,) = free_ports(1)
    program = f"import os, sys\nif os.environ['NUMBER'] == '2' and sys.argv[1] == '2': raise SystemExit(3)\n{SERVER}"
    text = web(port, 1, '"rolling"', program=program).replace("''']", "''', '${INSTANCE}']")
    node.write(text)
    node.good("up", "-d")
    before = node.running()
    with Clients(port) as clients:
        node.write(text.replace('NUMBER = "1"', 'NUMBER = "2"'))
        failed = node.run("apply")
    assert failed.code == 4, failed.text
    assert "web@2 did not get ready: exit 3" in failed.text
    assert clients.problems == []
    after = node.running()
    assert {name for name in before if after[name] != before[name]} == {"web@1"}
