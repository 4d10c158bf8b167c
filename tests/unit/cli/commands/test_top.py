"""`snowfox top`."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from typing import Any

import pytest

from snowfox.cli.commands import top
from snowfox.contract.manager import InstanceFigures, InstanceStatus
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000


def figures(id: str, at: int, cpu: int, *, memory: int = 1 << 20, pid: int = 7) -> InstanceFigures:
    """A row."""
    status = InstanceStatus(id, id, "ready", "green", NOON - 12_000, pid, memory, 1, "", 7)
    return InstanceFigures(status, at, cpu, memory, 5, 1)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No wait takes time; how long each would be."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def answering(played: Any, *looks: list[InstanceFigures]) -> None:
    """The node answers these, in turn."""
    answers = iter(looks)
    call = played.call

    def answer(method: Any, *values: Any) -> Any:
        played.answers[method.name] = next(answers)
        return call(method, *values)

    played.call = answer


def test_one_look(played: Any, noon: VirtualClock, patient: list[float]) -> None:
    """Where nobody can press a key: two looks, half a second apart, one table, the busiest first."""
    idle, busy = figures("idle", 0, 100), figures("busy", 0, 100, memory=3 << 20)
    answering(played, [idle, busy], [idle._replace(at=500), busy._replace(at=500, cpu=225)])
    assert played.run("top") == (
        0,
        """\
2 instances · cpu 25.0 % · memory 4.0M · by cpu
   SERVICE  STATE  CPU     MEMORY  FILES  PROCESSES  RESTARTS  SINCE
 ● busy     ready  25.0 %  3.0M    5      1          1         12s
 ● idle     ready  0.0 %   1.0M    5      1          1         12s
""",
        "",
    )
    assert patient == [0.5]
    assert played.asked == [("figures", "*")] * 2


def test_another_order(played: Any, noon: VirtualClock, patient: list[float]) -> None:
    """By name; several looks have the asked time between."""
    both = [figures("web", 0, 0), figures("cache", 0, 0)]
    answering(played, both, both, both)
    code, out, _ = played.run("top", "-n", "2", "--every", "3s", "--sort", "service", "web", "cache")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if "●" in line] == ["cache", "web"] * 2
    assert patient == [0.5, 3.0]
    assert played.asked[0] == ("figures", "web cache")


def test_json(played: Any, noon: VirtualClock, patient: list[float]) -> None:
    """The contract's fields and the share of the processor."""
    answering(played, [figures("web", 0, 0)], [figures("web", 1000, 500)])
    found = json.loads(played.run("top", "--json")[1])
    assert (found[0]["instance"]["id"], found[0]["cpu"], found[0]["percent"]) == ("web", 500, 50.0)


def test_a_process_that_is_new(noon: VirtualClock) -> None:
    """Of one that was not there before, or is another now, no share is known."""
    old = figures("web", 0, 5000)
    new = figures("web", 1000, 10)
    new = new._replace(instance=new.instance._replace(started=8))
    assert [row.cpu for row in top.rows([old], [new, figures("cache", 1000, 10)])] == [0.0, 0.0]


def test_without_a_process(played: Any, noon: VirtualClock, patient: list[float]) -> None:
    """It has no figures, and not zeros."""
    row = figures("web", 0, 0, pid=0)
    row = InstanceFigures(row.instance._replace(state="stopped", restarts=0), 0, 0, 0, 0, 0)
    answering(played, [row], [row])
    assert played.run("top")[1].splitlines()[1:] == [
        "   SERVICE  STATE    SINCE",
        " ● web      stopped  12s",
    ]


def test_too_often(played: Any) -> None:
    """Refused in one line."""
    assert played.run("top", "--every", "1ms") == (2, "", "cannot look each 1ms\n   at least 100ms\n")


_LIVE = """
import sys, time
from snowfox.cli import node
from snowfox.cli.main import run
from contextlib import contextmanager
from snowfox.contract.manager import InstanceFigures, InstanceStatus
class Session:
    def call(self, method, *values):
        return [InstanceFigures(InstanceStatus("web", "web", "ready", "green", 0, 7, 1, 0, "", 7), 0, 0, 1, 5, 1)]
@contextmanager
def session(options):
    yield Session()
node.session = session
sys.exit(run(["top"]))
"""


def test_live() -> None:
    """On a terminal: its other screen, keys at once, and the screen as it was once `q` is pressed."""
    main, other = pty.openpty()
    shown = subprocess.Popen(
        [sys.executable, "-c", _LIVE],
        stdin=other,
        stdout=other,
        stderr=other,
        env=os.environ | {"TERM": "xterm", "PYTHONUTF8": "1"},
    )
    os.close(other)
    try:
        text = _read_until(main, b"by cpu")
        os.write(main, b"m")
        text += _read_until(main, b"by memory")
        os.write(main, b"q")
        text += _read_until(main, b"\x1b[?1049l")
        assert shown.wait(20) == 0
        assert text.startswith(b"\x1b[?1049h")
    finally:
        shown.kill()
        shown.wait()
        os.close(main)


def _read_until(terminal: int, wanted: bytes) -> bytes:
    text = b""
    end = time.monotonic() + 20
    while wanted not in text:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, text
        text += os.read(terminal, 4096)
    return text
