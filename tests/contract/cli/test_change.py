"""The commands of a change against the contract: over a real session, with a node that only plays its part."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from snowfox.cli.main import run
from snowfox.contract.manager import (
    Effective,
    Ending,
    LogLine,
    Manager,
    Plan,
    PlanLine,
    Progress,
    Reason,
    ServiceView,
    Variable,
    VersionLine,
)
from snowfox.core.posix.active import within
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.interface import Right
from snowfox.core.rpc.server import handles, serve

LINE = VersionLine("81d0e77" + "0" * 57, "main", "5c0ffee", 1, "anna", is_current=True, confirm_by=9)
STEP = PlanLine("update", "service", "web", "old", [Reason("a", "1", "2", "live")], "live", -1, False)
PLAN = Plan(LINE, LINE, 4, [STEP], ["bad"], ["odd"])
VIEW = ServiceView(
    "web", [Effective("user", "x", "a:1")], [], [Ending(1, "web", "exit 1")], [LogLine("web", 1, b"x")]
)


class Played:
    """What a node would do; `asked` holds the calls, `is_left` is set when the caller of an endless one went."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.is_watched = Event()
        self.is_left = Event()

    @handles(Manager.plan)
    def plan(self, source: str) -> Plan:
        """One with all fields."""
        self.asked.append(("plan", source))
        return PLAN

    @handles(Manager.apply)
    async def apply(self, source: str, keep: bool, confirm: int, supersede: bool) -> AsyncIterator[Progress]:
        """Has no end."""
        self.asked.append(("apply", source, keep, confirm, supersede))
        try:
            yield Progress("web", "starting", "", 1)
            self.is_watched.set()
            await asyncio.sleep(3600)
        finally:
            self.is_left.set()

    @handles(Manager.rollback)
    async def rollback(self, version: str, supersede: bool) -> AsyncIterator[Progress]:
        """At once."""
        self.asked.append(("rollback", version, supersede))
        yield Progress("", "done", "back", 1, last=True)

    @handles(Manager.confirm)
    def confirm(self) -> VersionLine:
        """As it is."""
        return LINE

    @handles(Manager.versions)
    def versions(self) -> list[VersionLine]:
        """One."""
        return [LINE]

    @handles(Manager.show)
    def show(self, service: str) -> ServiceView:
        """One with all fields."""
        self.asked.append(("show", service))
        return VIEW

    @handles(Manager.env)
    def env(self, instance: str) -> list[Variable]:
        """Little."""
        self.asked.append(("env", instance))
        return [Variable("A", "1")]


def unused(method: Any) -> Any:
    """A handler that nobody calls."""

    def handler(*_: object) -> None:
        raise AssertionError(method.name)

    return handles(method)(handler)


OTHERS = {
    f"other_{name}": unused(method) for name, method in Manager.methods.items() if not hasattr(Played, name)
}
Handlers = type("Handlers", (Played,), OTHERS)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Any]:
    """One that is served in a thread, and named by the environment."""
    handlers = Handlers()
    run_folder = tmp_path / ".snowfox" / "run"
    run_folder.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(run_folder / "manager.sock"))
    listener.listen()
    listener.setblocking(False)
    ready, end = Event(), Event()

    async def serving() -> None:
        async with serve(listener.fileno(), Manager, handlers, grants=lambda _: Right.ALL):
            ready.set()
            await asyncio.to_thread(end.wait)

    def thread() -> None:
        with within(LinuxPosix()):
            asyncio.run(serving())

    server = Thread(target=thread)
    server.start()
    assert ready.wait(10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWFOX_NODE", str(tmp_path))
        yield handlers
    end.set()
    server.join()
    listener.close()


def test_every_field_travels(node: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What the node says is what --json prints."""
    view = {**VIEW._asdict(), "keys": [VIEW.keys[0]._asdict()], "exits": [VIEW.exits[0]._asdict()]}
    view["lines"] = [{"instance": "web", "at": 1, "text": "x"}]
    plan = {**PLAN._asdict(), "before": LINE._asdict(), "after": LINE._asdict()}
    plan["steps"] = [{**STEP._asdict(), "reasons": [STEP.reasons[0]._asdict()]}]
    for words, code, expected in (
        (["plan", "/srv"], 3, plan),
        (["confirm"], 0, LINE._asdict()),
        (["versions"], 0, [LINE._asdict()]),
        (["show", "web"], 0, view),
        (["env", "web@1"], 0, {"A": "1"}),
    ):
        assert run([*words, "--json"]) == code
        assert json.loads(capsys.readouterr().out) == expected
    assert run(["rollback", "81d", "--supersede"]) == 0
    assert node.asked == [("plan", "/srv"), ("show", "web"), ("env", "web@1"), ("rollback", "81d", True)]


def test_to_watch_no_longer(node: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """--wait ends the command when its time is over, neither sooner nor much later, with 8."""
    began = time.monotonic()
    assert run(["apply", "--wait", "1s", "--keep", "--confirm", "10m"]) == 8
    assert 1.0 <= time.monotonic() - began < 5.0
    assert capsys.readouterr().err == (
        "the apply is still under way after 1s, and goes on; see: snowfox status\n"
    )
    assert node.asked == [("apply", "", True, 600_000, False)]
    assert node.is_left.wait(5)


def test_to_stop_watching(node: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while it waits for the node ends the command with 130."""

    def interrupt() -> None:
        assert node.is_watched.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    thread = Thread(target=interrupt)
    thread.start()
    assert run(["apply"]) == 130
    thread.join()
    way = "to undo it: snowfox rollback --supersede"
    assert capsys.readouterr().err == f"interrupted: the apply goes on; {way}; see: snowfox status\n"
    assert node.is_left.wait(5)
