"""Services that say, or are asked, whether they are ready and alive: real programs, real probes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from snowfox.testing.node import Node
from snowfox.testing.world import free_ports, python_of_services

SERVER = """
import http.server, os, sys, time

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = os.path.exists(sys.argv[2])
        if sick and sys.argv[3] == "hang":
            time.sleep(60)
        self.send_response(503 if sick else 200)
        self.end_headers()

    def log_message(self, *words):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def python() -> str:
    """A Python that services can run, or a skip."""
    found = python_of_services()
    if not found:
        pytest.skip("no Python that services can run")
    return found


def written(node: Node, text: str, name: str = "server.py") -> Path:
    """A program beside the configuration."""
    path = node.folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("how", ["hang", "answer"])
def test_a_service_that_answers_no_more_is_restarted_and_says_why(node: Node, python: str, how: str) -> None:
    """Two tries in a row that fail, of http: ended, started again, and the reason is told."""
    (port,) = free_ports(1)
    sick = node.folder / "sick"
    server = written(node, SERVER)
    node.write(
        f"""
[service.web]
command = ["{python}", "{server}", "{port}", "{sick}", "{how}"]
directory = "/"
ready = {{ tcp = "127.0.0.1:{port}" }}
alive = {{ http = "127.0.0.1:{port}", path = "/health", every = "100ms", timeout = "200ms", failures = 2 }}
stop = {{ grace = "1s" }}
"""
    )
    node.good("up", "-d")
    first = node.running()["web"]
    sick.touch()
    node.until(lambda: node.status()["web"]["state"] in {"failing", "backoff", "starting"}, "found sick")
    sick.unlink()
    node.until(lambda: node.status()["web"]["state"] == "ready", "ready again")
    one = node.status()["web"]
    assert one["pid"] != first.pid
    assert one["restarts"] >= 1
    why = "no answer in time" if how == "hang" else "it answered 503"
    assert f"not alive: {why}, 2 times in a row" in one["message"]
    node.until(lambda: "service.unwell" in node.good("events"), "the event")


def test_alive_by_unix_socket_and_by_command(node: Node, python: str) -> None:
    """A socket that accepts no more, a command that ends with 1: each restarts its own service alone."""
    server = written(
        node,
        "import socket, sys, os, time\n"
        "path = sys.argv[1]\n"
        "os.path.exists(path) and os.unlink(path)\n"
        "one = socket.socket(socket.AF_UNIX); one.bind(path); os.chmod(path, 0o777)\n"
        "one.listen(100)\n"
        "time.sleep(1000)\n",
    )
    folder = node.folder / "run"
    folder.mkdir()
    folder.chmod(0o777)
    (node.folder / "well").touch()
    node.write(
        f"""
[service.socket]
command = ["{python}", "{server}", "{folder}/s"]
directory = "/"
ready = {{ unix = "run/s" }}
alive = {{ unix = "run/s", every = "50ms", failures = 2 }}

[service.command]
command = ["sleep", "1000"]
directory = "/"
alive = {{ command = ["test", "-e", "{node.folder}/well"], every = "50ms", failures = 1 }}

[service.other]
command = ["sleep", "1000"]
directory = "/"
alive = {{ command = ["true"], every = "50ms" }}
"""
    )
    node.good("up", "-d")
    before = node.running()
    os.unlink(folder / "s")
    node.until(lambda: node.status()["socket"]["restarts"] > 0, "socket was restarted")
    (node.folder / "well").unlink()
    node.until(lambda: node.status()["command"]["restarts"] > 0, "command was restarted")
    (node.folder / "well").touch()
    node.until(lambda: node.run("status").code == 0, "all as wanted")
    status = node.status()
    assert "not alive: no such file or directory, 2 times in a row" in status["socket"]["message"]
    assert "not alive: test: exit 1" in status["command"]["message"]
    assert node.running()["other"] == before["other"]


def test_a_change_of_alive_is_taken_over_at_once(node: Node) -> None:
    """The same process, asked in another way; without one nobody asks."""
    text = '[service.web]\ncommand = ["sleep", "1000"]\ndirectory = "/"\n'
    node.write(text + 'alive = { command = ["false"], every = "1h" }\n')
    node.good("up", "-d")
    before = node.running()
    node.write(text + 'alive = { command = ["false"], every = "20ms", failures = 1000 }\n')
    assert "alive.every" in node.good("plan")
    node.good("apply")
    assert node.running() == before
    node.until(lambda: "does not answer: false: exit 1" in node.status()["web"]["message"], "asked now")
    node.write(text)
    node.good("apply")
    node.until(lambda: node.status()["web"]["message"] == "", "asked no more")
    assert node.running() == before
