"""`snowfox status`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest

from snowfox.cli.commands import status as command
from snowfox.cli.paper import Paper
from snowfox.contract.manager import InstanceStatus, NodeStatus
from snowfox.errors import NoNode, NotFound
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
CACHE = InstanceStatus("cache", "cache", "ready", "green", NOON - 273_600_000, 4121, 12_687_770, 0, "", 7)
WEB = InstanceStatus(
    "shop.web@1",
    "shop.web",
    "ready",
    "green",
    NOON - 12_000,
    9033,
    50_541_363,
    1,
    "killed by signal 9 (KILL), not by us, 13 s ago",
    8,
)
TASK = InstanceStatus(
    "migrate", "migrate", "finished", "green", NOON - 273_600_000, 0, 0, 0, "exit 0 after 1.2 s", 0
)
WAITING = InstanceStatus("mail", "mail", "starting", "yellow", NOON - 1000, 12, 0, 0, "not ready yet", 9)
FAILED = InstanceStatus("bad", "bad", "failed", "red", NOON, 0, 0, 5, "exit 1", 0)


def node(
    *instances: InstanceStatus, phase: str = "up", as_wanted: bool = True, notes: Any = ()
) -> NodeStatus:
    """A node with these."""
    return NodeStatus("shop-1", "3f9a1c2b7d", phase, as_wanted, list(notes), list(instances))


def test_all_as_wanted(played: Any, noon: VirtualClock) -> None:
    """The table of the design's page, and exit code 0."""
    played.answers["status"] = node(CACHE, WEB, TASK)
    assert played.run("status") == (
        0,
        """\
shop-1 · version 3f9a1c2 · 3 services, 3 instances · all as wanted
   SERVICE     STATE     SINCE  PID   MEMORY  RESTARTS  MESSAGE
 ● cache       ready     3d 4h  4121  12.1M   0
 ● shop.web@1  ready     12s    9033  48.2M   1         killed by signal 9 (KILL), not by us, 13 s ago
 ● migrate     finished  3d 4h                          exit 0 after 1.2 s
""",
        "",
    )
    assert played.asked == [("status", "*")]


def test_where_its_version_came_from(played: Any) -> None:
    """The first line names it, and of a branch the commit that it was."""
    for commit, shown in (("", "main"), ("5c0ffee123", "main, commit 5c0ffee")):
        played.answers["status"] = node()._replace(source="main", commit=commit)
        assert played.run("status")[1].startswith(f"shop-1 · version 3f9a1c2 ({shown}) · 0 services")


def test_not_as_wanted(played: Any, noon: VirtualClock) -> None:
    """Lights have shapes, what is not as wanted is counted, notes come last, and the exit code is 3."""
    played.answers["status"] = node(
        CACHE, WAITING, FAILED, phase="starting", as_wanted=False, notes=["changed"]
    )
    assert played.run("ps") == (
        3,
        """\
shop-1 · version 3f9a1c2 · 3 services, 3 instances · starting · 2 of 3 not as wanted
   SERVICE  STATE     SINCE  PID   MEMORY  RESTARTS  MESSAGE
 ● cache    ready     3d 4h  4121  12.1M   0
 ◐ mail     starting  1s     12            0         not ready yet
 ✗ bad      failed    0s                   5         exit 1
changed
""",
        "",
    )


def test_a_node_on_its_way(played: Any, noon: VirtualClock) -> None:
    """All are as wanted, but the node is not up: not as wanted."""
    played.answers["status"] = node(CACHE, phase="stopping", as_wanted=False)
    code, out, _ = played.run("list")
    assert (code, out.splitlines()[0]) == (
        3,
        "shop-1 · version 3f9a1c2 · 1 service, 1 instance · stopping · not as wanted",
    )


def test_a_part(played: Any, noon: VirtualClock) -> None:
    """With patterns only what they mean counts."""
    played.answers["status"] = node(CACHE, as_wanted=False)
    code, out, _ = played.run("status", "cache", "ca*")
    assert code == 0
    assert out.splitlines()[0].endswith("1 service, 1 instance · these as wanted, the node is not")
    assert played.asked == [("status", "cache ca*")]
    played.answers["status"] = node(FAILED, as_wanted=False)
    assert played.run("status", "bad")[0] == 3


def test_json(played: Any) -> None:
    """One object on one line, with all that the node said, in the contract's names; the exit code is the table's."""
    status = node(CACHE, FAILED, as_wanted=False, notes=["é"])
    played.answers["status"] = status
    code, out, err = played.run("status", "--json")
    assert (code, err, out.count("\n")) == (3, "", 1)
    assert json.loads(out) == {
        "node": "shop-1",
        "version": "3f9a1c2b7d",
        "phase": "up",
        "as_wanted": False,
        "notes": ["é"],
        "instances": [CACHE._asdict(), FAILED._asdict()],
        "source": "",
        "commit": "",
    }
    assert list(json.loads(out)["instances"][0]) == [
        "id", "service", "state", "light", "since", "pid", "memory", "restarts", "message", "started",
    ]  # fmt: skip


def test_without_instances(played: Any) -> None:
    """No table, only the node."""
    played.answers["status"] = node()
    assert played.run("status")[1] == "shop-1 · version 3f9a1c2 · 0 services, 0 instances · all as wanted\n"


@pytest.mark.parametrize(
    ("error", "code"), [(NotFound("there is none", 'did you mean "web"?'), 4), (NoNode("none", "up"), 6)]
)
def test_errors(played: Any, error: Any, code: int) -> None:
    """Their own exit codes, nothing on standard output."""
    played.answers["status"] = error
    assert played.run("status", "wbe") == (code, "", f"{error}\n   {error.hint}\n")


def test_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], noon: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the table does not fit, messages have lines of their own; nothing is left out."""
    monkeypatch.setattr(Paper, "width", 60)
    command.show(node(CACHE, WEB, FAILED), as_json=False)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "   SERVICE     STATE   SINCE  PID   MEMORY  RESTARTS",
        " ● cache       ready   3d 4h  4121  12.1M   0",
        " ● shop.web@1  ready   12s    9033  48.2M   1",
        "      killed by signal 9 (KILL), not by us, 13 s ago",
        " ✗ bad         failed  0s                   5",
        "      exit 1",
    ]


def test_a_thousand_rows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One write, within a small part of what a command may take (50 ms here: the machine is shared)."""
    status = node(*(WEB._replace(id=f"web@{number}") for number in range(1000)))
    writes: list[str] = []
    monkeypatch.setattr(type(sys.stdout), "write", lambda _, text: writes.append(text) or len(text))
    took = []
    for _ in range(5):
        began = time.perf_counter()
        command.show(status, as_json=False)
        took.append(time.perf_counter() - began)
    monkeypatch.undo()
    assert len(writes) == 5
    assert writes[0].count("\n") == 1002
    assert min(took) < 0.05
