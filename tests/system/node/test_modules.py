"""A package outside the tree brings a table and what realises it: connections that changes carry over, make and close."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from snowfox.testing import node as testing
from snowfox.testing.node import Node

pytestmark = pytest.mark.system

PACKAGE = '''
"""Connections to databases, [pool]."""

import asyncio
from pathlib import Path
from typing import Annotated

from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.config.registry import section
from snowfox.core.config.section import Section
from snowfox.core.config.transaction import Held, Realizer
from snowfox.core.context import DynamicContext, Key
from snowfox.core.frozen import Frozen
from snowfox.core.module import module
from snowfox.errors import ContextNotSet, HostError
from snowfox.manager.level import Level
from snowfox.manager.node import THING
from snowfox.service.written import TCP

POOL = Key("pool")
ASK = Path("{ask}")


class Endpoint(Frozen):
    address: str


@section("pool")
class Pool(Section):
    """Connections that are kept.

    Args:
        db: where the database is.
        cache: where the cache is; connected to after it.
    """

    db: Annotated[str, TCP]
    cache: Annotated[str, TCP] | None = None

    def resources(self):
        """A connection each."""
        db = ResourceKey("pool", "db")
        yield Resource(db, Endpoint(self.db))
        if self.cache is not None:
            yield Resource(ResourceKey("pool", "cache"), Endpoint(self.cache), (db,))


class Connection(Held):
    def __init__(self, name, writer):
        self.name, self.writer = name, writer

    async def release(self):
        """Not needed."""
        self.writer.close()

    async def apply(self):
        """Ours."""
        self.writer.write(f"applied {{self.name}}\\n".encode())
        return self

    async def undo(self):
        """As release."""
        self.writer.write(b"undone\\n")
        self.writer.close()


class Pools(Realizer):
    kind = "pool"
    key = POOL

    async def prepare(self, step, resource, before):
        """Connect."""
        host, _, port = resource.spec.address.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            if ASK.with_name("wait").exists():
                try:
                    await reader.readline()
                except BaseException:
                    writer.close()
                    raise
        except ConnectionError as error:
            raise HostError(f"cannot connect {{resource.key}} to {{host}}:{{port}}", "is it there?") from error
        return Connection(resource.key.name, writer)

    async def retire(self, key, thing, successor):
        """Close."""
        thing.writer.write(b"retired\\n")
        thing.writer.close()


@module(Level.GATEWAY)
async def pools(setup):
    """Tells each connection, by the context, in which version it is found; has the context pinned while it is asked to."""
    setup.add(Pools())

    async def watch():
        told, pinned = None, None
        while True:
            await asyncio.sleep(0.005)
            try:
                context = DynamicContext.instance()
            except ContextNotSet:
                continue
            if ASK.exists() and pinned is None:
                pinned = context
                context.pin()
                context[POOL, "db"].writer.write(b"pinned\\n")
            if pinned is not None and not ASK.exists():
                pinned[POOL, "db"].writer.write(b"unpinned\\n")
                pinned.unpin()
                pinned = None
            if context is told or pinned is not None:
                continue
            told = context
            for name in context.names(POOL):
                found = context[POOL, name]
                assert context[THING, f"pool {{name}}"] is found
                number = found.writer.get_extra_info("socket").fileno()
                found.writer.write(f"{{context.version[:7]}} {{id(found)}} {{number}}\\n".encode())

    task = asyncio.get_running_loop().create_task(watch())
    yield
    task.cancel()
'''


class Server:
    """Takes connections and what comes on them."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(10)
        self._taken: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> socket.socket:
        """The next connection."""
        taken, _ = self._listener.accept()
        taken.settimeout(10)
        self._taken.append(taken)
        return taken

    def has_more(self) -> bool:
        """Whether there is another connection that nobody took."""
        self._listener.setblocking(False)
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        finally:
            self._listener.settimeout(10)
        return True

    def close(self) -> None:
        """Nobody is let in any more."""
        self._listener.close()

    def end(self) -> None:
        """Nor is anybody in."""
        self.close()
        for taken in self._taken:
            taken.close()


def line(connection: socket.socket) -> str:
    """The next line; "" at the end."""
    text = b""
    while not text.endswith(b"\n") and (one := connection.recv(1)):
        text += one
    return text.decode().strip()


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """Two."""
    some = (Server(), Server())
    yield some
    for server in some:
        server.end()


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that asks for a pin; the package is installed where commands and managers look for others."""
    place = tmp_path / "installed"
    (place / "outside_pool").mkdir(parents=True)
    asked = tmp_path / "ask"
    (place / "outside_pool" / "__init__.py").write_text(PACKAGE.format(ask=asked))
    info = place / "outside_pool-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[snowfox.modules]\npool = outside_pool\n")
    usual = testing.environment()
    there = {**usual, "PYTHONPATH": f"{usual['PYTHONPATH']}{os.pathsep}{place}"}
    monkeypatch.setattr(testing, "environment", lambda: there)
    return asked


def text(db: str, *, cache: str = "", command: str = "sleep 1000", more: str = "") -> str:
    """A configuration."""
    further = f'cache = "{cache}"\n' if cache else ""
    return f'[service.web]\ncommand = "{command}"\ndirectory = "/"\n{more}\n[pool]\ndb = "{db}"\n{further}'


@pytest.mark.goal
def test_carried_over_made_and_closed(node: Node, servers: tuple[Server, Server], ask: Path) -> None:
    """The same object and descriptor through a change of other things; of a changed endpoint a new one.

    All from the section's type alone: it is checked, in the schema and in the plan. The old one is closed when nobody has
    its context pinned any more.
    """
    one, other = servers
    node.write(text("nowhere"))
    assert "snowfox.toml:6:6: cannot read pool: " in node.run("check").text
    assert json.loads(node.good("schema"))["properties"]["pool"]["required"] == ["db"]
    node.write(text(one.address))
    node.good("up", "-d")
    assert "pools" in node.good("modules")
    first = one.accept()
    assert line(first) == "applied db"
    version, *same = line(first).split()
    node.write(text(one.address, command="sleep 1001"))
    node.good("apply")
    after, *now = line(first).split()
    assert (version != after, now) == (True, same)
    assert not one.has_more()
    node.write(text(other.address, command="sleep 1001"))
    planned = node.run("plan", "--exit-code")
    assert planned.code == 8
    assert f'± pool db  address: "{one.address}" → "{other.address}"' in planned.out
    assert line(other.accept()) == ""
    ask.touch()
    assert line(first) == "pinned"
    node.good("apply")
    second = other.accept()
    assert line(second) == "applied db"
    ask.unlink()
    assert [line(first) for _ in range(3)] == ["unpinned", "retired", ""]
    assert line(second).split()[1:] != same
    node.write(text(other.address, command="sleep 1001").partition("[pool]")[0])
    node.good("apply")
    assert [line(second) for _ in range(2)] == ["retired", ""]


def test_all_of_it_or_nothing(node: Node, servers: tuple[Server, Server], ask: Path) -> None:
    """What cannot be prepared refuses; what was made before a step that fails is undone; what was there stays."""
    assert not ask.exists()
    one, other = servers
    node.write(text(one.address))
    node.good("up", "-d")
    first = one.accept()
    closed = Server()
    closed.close()
    node.write(text(other.address, cache=closed.address))
    done = node.run("apply")
    assert done.code == 3
    assert f"cannot connect pool cache to {closed.address}\n   is it there?\n" in done.err
    assert line(other.accept()) == ""
    node.write(text(other.address, cache=one.address, command="false", more="restart = { limit = 1 }"))
    done = node.run("apply")
    assert (done.code, "rolled back" in done.err) == (4, True), done.text
    assert line(other.accept()) == "applied db"
    assert line(one.accept()) == "applied cache"
    assert [line(first), len(line(first).split())] == ["applied db", 3]
    first.setblocking(False)
    with pytest.raises(BlockingIOError):
        first.recv(1)


def test_first_and_again(node: Node, servers: tuple[Server, Server], ask: Path) -> None:
    """A first start without the server is refused; a new manager connects anew, and without a server says so and goes on."""
    assert not ask.exists()
    one, other = servers
    address = other.address
    other.close()
    node.write(text(one.address, cache=address))
    done = node.run("up", "-d")
    assert (done.code, "cannot connect pool cache" in done.err) == (3, True), done.text
    assert line(one.accept()) == ""
    node.until(lambda: not node.processes(), "it is gone")
    node.write(text(one.address))
    node.good("up", "-d")
    first = one.accept()
    before = node.running()
    manager = node.processes()["manager"]
    node.kill("manager")
    second = one.accept()
    assert line(second) == "applied db"
    assert [line(first), len(line(first).split()), line(first)] == ["applied db", 3, ""]
    node.until(lambda: node.processes().get("manager", manager) != manager, "another manager")
    one.close()
    node.kill("manager")
    node.until(lambda: "cannot connect pool db" in node.run("status").text, "it is told")
    assert node.running() == before
    again = Server(int(one.address.rpartition(":")[2]))
    node.good("apply")
    assert line(again.accept()) == "applied db"
    assert "cannot connect" not in node.run("status").text
    again.end()


def test_a_section_that_fails(node: Node, ask: Path) -> None:
    """A module whose section fails, or makes what is not its own, is told as a mistake of that table."""
    package = ask.parent / "installed" / "outside_pool" / "__init__.py"
    good = package.read_text()
    node.write(text("127.0.0.1:1"))
    for old, new, why in (
        ("yield Resource(db", "yield Resource(int('x')", "its module fails with ValueError: invalid literal"),
        (
            'db = ResourceKey("pool"',
            'db = ResourceKey("socket"',
            "its module makes socket db, which is none of",
        ),
        ("setup.add(Pools())", "pass", "cannot make pool db: no module realises it"),
    ):
        package.write_text(good.replace(old, new))
        done = node.run("up", "-d")
        assert (done.code, why in done.err) == (3, True), done.text
        node.until(lambda: not node.processes(), "it is gone")


def test_interrupted_while_it_is_verified(node: Node, servers: tuple[Server, Server], ask: Path) -> None:
    """Ctrl-C ends only the looking on; another apply that takes its place ends it, and all that it held is given back."""
    one, other = servers
    node.write(text(one.address))
    node.good("up", "-d")
    before, file = node.running(), node.folder / "front.sock"
    ask.with_name("wait").touch()
    node.write(text(other.address) + '[socket.front]\nlisten = "unix:front.sock"\n')
    commands = []
    try:
        commands.append(node.begin("apply"))
        first = other.accept()
        node.until(file.exists, "the address is held")
        commands[0].send_signal(signal.SIGINT)
        out = commands[0].communicate(timeout=20)[0]
        assert (commands[0].returncode, "the apply goes on" in out) == (130, True), out
        assert "is under way" in node.run("apply").err
        assert file.exists()
        commands.append(node.begin("apply", "--supersede"))
        assert line(first) == ""
        second = other.accept()
        node.write(text(one.address))
        node.good("apply", "--supersede")
        out = commands[1].communicate(timeout=20)[0]
        assert (commands[1].returncode, "superseded by #4" in out) == (3, True), out
    finally:
        for command in commands:
            command.kill()
            command.communicate()
    assert line(second) == ""
    assert not file.exists()
    assert node.running() == before
