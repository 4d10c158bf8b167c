"""`snowfox why`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.manager import Happened, InstanceStatus, LogLine, NodeStatus, VersionLine, Why
from snowfox.errors import NotFound
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
WEB = InstanceStatus("web", "web", "failed", "red", NOON - 12_000, 0, 0, 1, "exit 1; 5 failed starts", 0)
VERSION = VersionLine("3f9a1c2" + "0" * 57, "main", "", NOON - 259_200_000, "anna", is_current=True)
FAILED = Why(
    WEB,
    [
        Happened(NOON - 60_000, "started", 9033, "T", 17, "apply", "anna"),
        Happened(NOON - 12_000, "exit 1 after 48 s", 9033, "U"),
    ],
    VERSION,
    17,
    [LogLine("web", NOON, b"no database \x1b[2J")],
)
GOOD = Why(InstanceStatus("cache", "cache", "ready", "green", NOON - 5_000, 7, 1, 0, "", 7), [], None, 0, [])


def test_the_whole_chain(played: Any, noon: VirtualClock) -> None:
    """State and reason, what happened, who asked for it, what it printed last, the version; safe for a terminal."""
    played.answers["why"] = [FAILED]
    assert played.run("why", "web") == (
        0,
        """\
✗ web is failed since 12s: exit 1; 5 failed starts
   11:59:00  started            pid 9033  #17 apply, anna
   11:59:48  exit 1 after 48 s  pid 9033
   last lines:
   | no database �[2J
   version 3f9a1c2 (main), applied by anna 3d ago (#17)
""",
        "",
    )
    assert played.asked == [("why", "web", 10)]


def test_several(played: Any, noon: VirtualClock) -> None:
    """An empty line between; nothing is said of what is not known."""
    played.answers["why"] = [GOOD, GOOD]
    assert played.run("why", "c*", "-n", "3")[1] == "● cache is ready since 5s\n\n● cache is ready since 5s\n"
    assert played.asked == [("why", "c*", 3)]


def test_without_a_name(played: Any, noon: VirtualClock) -> None:
    """What is not as wanted."""
    played.answers["status"] = NodeStatus("vm", "3f", "up", False, [], [WEB, GOOD.instance])
    played.answers["why"] = [FAILED]
    assert played.run("why")[1].startswith("✗ web is failed")
    assert played.asked == [("status", "*"), ("why", "web", 10)]


def test_all_as_wanted(played: Any, noon: VirtualClock) -> None:
    """There is nothing to explain."""
    played.answers["status"] = NodeStatus("vm", "3f", "up", True, [], [GOOD.instance])
    assert played.run("why") == (
        0,
        "all as wanted: name a service to see what happened to it, snowfox why SERVICE\n",
        "",
    )


def test_json(played: Any, noon: VirtualClock) -> None:
    """The contract's fields, output as text; an empty list where all is as wanted."""
    played.answers["why"] = [FAILED]
    found = json.loads(played.run("why", "web", "--json")[1])[0]
    assert found["instance"]["state"] == "failed"
    assert found["happened"][0]["who"] == "anna"
    assert found["lines"][0]["text"] == "no database \x1b[2J"
    played.answers["status"] = NodeStatus("vm", "3f", "up", True, [], [])
    assert json.loads(played.run("why", "--json")[1]) == []


def test_unknown(played: Any) -> None:
    """Nothing with that name."""
    played.answers["why"] = NotFound("there is no service or instance wbe", 'did you mean "web"?')
    assert played.run("why", "wbe")[0] == 4
