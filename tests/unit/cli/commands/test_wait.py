"""`snowfox wait`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snowfox.contract.manager import InstanceStatus, NodeStatus
from snowfox.errors import NotFound


def status(**states: str) -> NodeStatus:
    """A node whose instances are in these states."""
    rows = [
        InstanceStatus(name, name, state, "red", 0, 0, 0, 0, f"because {name}" if name == "a" else "", 0)
        for name, state in states.items()
    ]
    return NodeStatus("n", "v", "up", False, [], rows)


def test_reached(played: Any) -> None:
    """Silent, exit code 0; by default a minute, for ready."""
    played.answers["wait"] = True
    assert played.run("wait", "web", "cache") == (0, "", "")
    assert played.run("wait", "--all", "--for", "stopped", "--timeout", "500ms") == (0, "", "")
    assert played.asked == [("wait", "web cache", "ready", 60_000), ("wait", "*", "stopped", 500)]


def test_timed_out(played: Any) -> None:
    """Exit code 8, and who is late and why, but not all of many."""
    played.answers |= {
        "wait": False,
        "status": status(a="backoff", b="ready", c="finished", d="starting", e="failed", f="stopped"),
    }
    code, out, err = played.run("wait", "*", "--timeout", "5s")
    assert (code, out) == (8, "")
    assert err == (
        "cannot wait any longer: all not ready after 5s\n"
        "   a is backoff: because a\n"
        "   d is starting\n"
        "   e is failed\n"
        "   and 1 more; see: snowfox status\n"
    )
    assert played.asked[1] == ("status", "*")


@pytest.mark.parametrize(("is_reached", "late", "code"), [(True, {}, 0), (False, {"a": "ready"}, 8)])
def test_json(played: Any, is_reached: bool, late: dict[str, str], code: int) -> None:
    """One object: the state, whether it was reached, and the states of those that are late."""
    played.answers |= {"wait": is_reached, "status": status(a="ready", b="stopped")}
    found, out, err = played.run("wait", "a", "b", "--for", "stopped", "--json")
    assert (found, err) == (code, "")
    assert json.loads(out) == {"state": "stopped", "reached": is_reached, "late": late}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("web", "--timeout", "soon"), 'cannot wait: "soon" is not a duration'),
        (("web", "--timeout", "2d"), "cannot wait 2d"),
        (
            ("web", "--for", "redy"),
            'cannot wait for "redy": the states are ready, stopped, finished, failed\n   did you mean "ready"?\n',
        ),
        ((), "cannot wait for everything unless told so"),
    ],
)
def test_wrong_use(played: Any, words: tuple[str, ...], line: str) -> None:
    """Exit code 2, the node is not asked."""
    code, out, err = played.run("wait", *words)
    assert (code, out) == (2, "")
    assert err.startswith(line)
    assert played.asked == []


def test_no_such_service(played: Any) -> None:
    """Exit code 4."""
    played.answers["wait"] = NotFound("there is none")
    assert played.run("wait", "wbe") == (4, "", "there is none\n")
