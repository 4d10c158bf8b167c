"""`snowfox events`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.manager import EventLine
from snowfox.core.event.fact import catalogue
from snowfox.errors import ConnectionLost
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
EXITED = EventLine(
    "01H",
    NOON,
    "service.exited",
    "web@1",
    "T",
    "",
    '{"pid":7,"code":null,"asked":false,"seconds":1.5,"x":[]}',
)
FAILED = EventLine(
    "01J",
    NOON - 86_400_000,
    "service.failed",
    "web@1",
    "T",
    "01H",
    '{"reason":"exit 1 \\u001b[2J","hint":""}',
)


def test_lines(played: Any, noon: VirtualClock) -> None:
    """Time (with its day where that is not today), kind, subject, fields that say something; safe for a terminal."""
    played.answers["events"] = [FAILED, EXITED]
    code, out, err = played.run("events")
    assert (code, err) == (0, "")
    assert out == (
        '2024-05-31 12:00:00  service.failed       web@1          reason="exit 1 �[2J"\n'
        "12:00:00  service.exited       web@1          pid=7  asked=no  seconds=1.5  x=[]\n"
    )
    assert played.asked == [("events", 50, False)]


def test_json(played: Any) -> None:
    """An object a line, the fact an object within."""
    played.answers["events"] = [EXITED]
    code, out, _ = played.run("events", "--json", "-f", "-n", "7")
    assert code == 0
    assert json.loads(out) == {**EXITED._asdict(), "fact": json.loads(EXITED.fact)}
    assert played.asked == [("events", 7, True)]


def test_the_node_ends(played: Any) -> None:
    """While following that is the end of it; otherwise a failure."""
    played.answers["events"] = [ConnectionLost("the session ended")]
    assert played.run("events", "-f") == (0, "", "the node ended the session\n")
    assert played.run("events")[0] == 1


def test_kinds(played: Any) -> None:
    """All that our facts have, without a node; as JSON an object of kind and summary."""
    code, out, _ = played.run("events", "--kinds")
    assert code == 0
    assert "service.stuck          SIGKILL did not end it." in out.splitlines()
    found = json.loads(played.run("events", "--kinds", "--json")[1])
    assert {"change.applied", "operation.ended", "service.ready"} <= set(found)
    assert found["node.phase"] == "The node is `starting`, `up`, `stopping` or `down`."
    assert set(found) == set(catalogue())
    assert played.asked == []
