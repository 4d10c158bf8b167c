"""Real servers while clients come all the time, through a replacement and a crash.

What takes our socket (nginx, gunicorn, uvicorn) refuses nobody: a replacement breaks nothing that the server does not
break itself, a crash only what the dead one had accepted. What opens its own (redis, PostgreSQL) is away meanwhile, comes back by itself, and has all that
it ever acknowledged.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snowfox.contract.manager import Manager
from snowfox.testing.clients import Visitors
from snowfox.testing.node import Node
from snowfox.testing.programs import POSTGRES, folder_of, missing, need, packages, user_line
from snowfox.testing.world import free_ports, python_of_services

FRONT = '[socket.front]\nlisten = "127.0.0.1:{port}"\n'

WSGI = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
ASGI = """
import os, socket
def ready():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        ready()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})
"""
NGINX = """daemon off; pid {data}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {data}/b; proxy_temp_path {data}/p; fastcgi_temp_path {data}/f;
  uwsgi_temp_path {data}/u; scgi_temp_path {data}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }}
}}
"""


def get(port: int) -> None:
    """One visit of a web server."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/", headers={"Connection": "close"})
        try:
            answer = connection.getresponse().read()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
    if answer != b"hello":
        raise ValueError(answer)


def nginx(node: Node, port: int) -> str:
    """It takes the socket by its own variable."""
    program, data = need("nginx"), folder_of(node, "nginx", "www-data")
    (data / "nginx.conf").write_text(NGINX.format(data=data, port=port))
    return f"""
command = ["{program}", "-c", "{data}/nginx.conf", "-p", "{data}", "-e", "stderr"]
directory = "/"
environment = {{ NGINX = "3;", TURN = "{{turn}}" }}
stop = {{{{ signal = "QUIT", grace = "5s" }}}}
{user_line("www-data")}"""


def python_server(node: Node, arguments: str, *names: str) -> str:
    """A server of the app in the node's folder."""
    python = python_of_services() or pytest.skip("no Python for services")
    folder = node.folder / "packages"
    folder.mkdir()
    packages(folder, *names)
    (folder / "app.py").write_text(ASGI if "uvicorn" in names else WSGI)
    (folder / "app.py").chmod(0o644)
    return f"""
command = "{python} -s -m {arguments}"
directory = "/"
environment = {{{{ PYTHONPATH = "{folder}", HOME = "/tmp", TURN = "{{turn}}" }}}}
ready = {{{{ notify = true }}}}
instances = 2
"""


def gunicorn(node: Node, _port: int) -> str:
    """It takes the socket by LISTEN_FDS, and says that it is ready."""
    arguments = "gunicorn --workers 1 --graceful-timeout 5 --no-control-socket app:app"
    return python_server(node, arguments, "gunicorn", "packaging")


def uvicorn(node: Node, _port: int) -> str:
    """It takes the socket by its number; its app says that it is ready."""
    return python_server(node, "uvicorn --fd 3 --log-level warning app:app", "uvicorn", "click", "h11")


def pids(session: Any) -> dict[str, int]:
    """Of all instances."""
    return {one.id: one.pid for one in session.call(Manager.status, "*").instances}


@pytest.mark.parametrize(("server", "careless"), [(nginx, 0), (gunicorn, 0), (uvicorn, 6)])
def test_what_takes_our_socket(node: Node, server: Callable[[Node, int], str], careless: int) -> None:
    """A replacement breaks and refuses nothing; a crash refuses nothing.

    `careless`: connections that a server itself may break in a replacement: uvicorn closes on its stop signal what it
    has accepted and not yet read a request of, one of each of our three visitors for each instance.
    """
    (port,) = free_ports(1)
    text = f'{FRONT.format(port=port)}[service.web]\nsockets = ["front"]\n{server(node, port)}'
    node.write(text.replace("{turn}", "1").replace("{{", "{").replace("}}", "}"))
    node.good("up", "-d")
    with node.session() as session:
        before = pids(session)
        with Visitors(lambda _: get(port)) as visitors:
            node.write(text.replace("{turn}", "2").replace("{{", "{").replace("}}", "}"))
            (*_, end) = session.stream(Manager.apply, "", False, 0, False)
        assert (end.code, visitors.refused) == (0, []), (end, node.log())
        assert len(visitors.broken) <= careless, visitors.broken
        assert visitors.served > 0
        between = pids(session)
        assert not {*before.values()} & {*between.values()}
        victim = next(iter(between))
        with Visitors(lambda _: get(port)) as visitors:
            os.kill(between[victim], 9)
            node.until(lambda: pids(session)[victim] not in {0, between[victim]}, "it is back")
            served = visitors.served
            node.until(lambda: visitors.served > served + 20, "it serves")
        assert visitors.refused == []
        assert len(visitors.broken) <= 2 * len(between), visitors.broken  # what the dead one had accepted


class Counter:
    """Visits that add one to a number each, and how many of them were acknowledged.

    Args:
        connect: a new connection: adds one, and answers what there is then.
    """

    def __init__(self, connect: Callable[[], tuple[Callable[[], int], Callable[[], None]]]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[Callable[[], None]] = []
        self.acknowledged = 0

    def visit(self, _number: int) -> None:
        """By the thread's own connection; another one after it broke."""
        if getattr(self._local, "add", None) is None:
            self._local.add, close = self._connect()
            self._open.append(close)
        try:
            self._local.add()
        except BaseException:
            self._local.add = None
            raise
        with self._lock:
            self.acknowledged += 1

    def close(self) -> None:
        """Close all connections that there were."""
        for close in self._open:
            close()


def away_and_back(node: Node, text: str, counter: Counter, read: Callable[[], int]) -> None:
    """Through a replacement and a crash; all that was acknowledged is there."""
    node.write(text.replace("{turn}", "1"))
    node.good("up", "-d")
    with node.session() as session, Visitors(counter.visit, 2) as visitors:
        (before,) = pids(session).values()
        node.until(lambda: counter.acknowledged > 10, "it serves")
        node.write(text.replace("{turn}", "2"))
        (*_, end) = session.stream(Manager.apply, "", False, 0, False)
        assert end.code == 0, (end, node.log())
        (between,) = pids(session).values()
        assert between != before
        for _ in range(2):
            served = counter.acknowledged
            node.until(lambda served=served: counter.acknowledged > served + 10, "it serves again")
            (pid,) = pids(session).values()
            os.kill(pid, 9)
            node.until(lambda pid=pid: [*pids(session).values()] not in ([0], [pid]), "it is back")
        served = counter.acknowledged
        node.until(lambda: counter.acknowledged > served + 10, "it serves again")
    counter.close()
    assert visitors.served == counter.acknowledged
    assert counter.acknowledged <= read() <= counter.acknowledged + len(visitors.broken) + 2


def test_redis(node: Node) -> None:
    """With a file to which it appends; ready by its port."""
    redis = need("redis-server")
    (port,) = free_ports(1)
    data = folder_of(node, "redis", "nobody")

    def connect() -> tuple[Callable[[], int], Callable[[], None]]:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)

        def add() -> int:
            connection.sendall(b"INCR number\r\n")
            answer = connection.recv(100)
            if not answer.startswith(b":"):
                raise OSError(answer)  # it loads its file, or goes
            return int(answer[1:])

        return add, connection.close

    text = f"""
[service.cache]
command = ["{redis}", "--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", "{data}"]
directory = "/"
environment = {{ TURN = "{{turn}}" }}
ready = {{ tcp = "127.0.0.1:{port}" }}
{user_line("nobody")}"""

    def read() -> int:
        add, close = connect()
        with closing(SimpleNamespace(close=close)):
            return add() - 1

    away_and_back(node, text, Counter(connect), read)


def message(kind: bytes, body: bytes) -> bytes:
    """Of PostgreSQL's protocol (53.7, message formats)."""
    return kind + struct.pack("!i", len(body) + 4) + body


class Postgres:
    """A connection to a PostgreSQL that trusts us."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        parameters = b"user\0postgres\0database\0postgres\0\0"
        try:
            self._socket.sendall(message(b"", struct.pack("!i", 196608) + parameters))
            self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, query: str) -> list[bytes]:
        """The first column of what it answers. Raises OSError."""
        self._socket.sendall(message(b"Q", query.encode() + b"\0"))
        return self._answer()

    def _answer(self) -> list[bytes]:
        rows: list[bytes] = []
        while True:
            head = self._file.read(5)
            if len(head) < 5:
                raise OSError("the connection ended")
            body = self._file.read(struct.unpack("!i", head[1:])[0] - 4)
            match head[:1]:
                case b"E":
                    raise OSError(body)
                case b"D":
                    rows.append(body[6:])
                case b"Z":
                    return rows
                case _:
                    pass

    def close(self) -> None:
        """End it."""
        self._file.close()
        self._socket.close()


def initialize(binaries: Path, data: Path) -> None:
    """A cluster in `data`, of a superuser `postgres`."""
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    command = [*as_user, binaries / "initdb", "-D", data / "data", "-A", "trust", "-N", "--locale=C"]
    subprocess.run(
        [*command, "-U", "postgres"], check=True, stdout=sys.stderr, cwd=data, timeout=60
    )  # its words tell why, when it fails


def test_postgresql(node: Node) -> None:
    """Ready by its own command; what is left of a crashed one is gone before the next, which else would not start."""
    if not POSTGRES:
        missing("PostgreSQL")
    binaries = POSTGRES[-1].parent
    (port,) = free_ports(1)
    data = folder_of(node, "pg", "postgres")
    initialize(binaries, data)

    def connect() -> tuple[Callable[[], int], Callable[[], None]]:
        connection = Postgres(port)
        try:
            connection.ask("create table if not exists visits (number int)")
        except BaseException:
            connection.close()
            raise

        def add() -> int:
            connection.ask("insert into visits values (1)")
            return 1

        return add, connection.close

    def read() -> int:
        with closing(Postgres(port)) as connection:
            return int(connection.ask("select count(*) from visits")[0])

    text = f"""
[service.database]
command = ["{binaries}/postgres", "-D", "{data}/data", "-p", "{port}", "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"]
directory = "{data}"
environment = {{ TURN = "{{turn}}" }}
ready = {{ command = ["{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", "{port}"] }}
stop = {{ signal = "INT", grace = "10s" }}
{user_line("postgres")}"""
    away_and_back(node, text, Counter(connect), read)
