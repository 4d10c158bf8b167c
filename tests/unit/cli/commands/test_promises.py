"""`snowfox promises`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.links import PromiseLine, Promises

LINES = [
    PromiseLine("Spawner.launch", "Connector.launch (/srv/snowfox/connector.py:12)", 1234, 28_800, "01J"),
    PromiseLine("all are ready", "start (begin.py:3)", 500, -1, ""),
]


def test_a_table(played: Any) -> None:
    """The oldest first; what waits for ever has nothing left, files have no folders."""
    played.answers["promises"] = Promises(7, LINES)
    assert played.run("promises", "-n", "2") == (
        0,
        """\
AWAITED         FOR    LEFT    TRACE  BY
Spawner.launch  1.2 s  28.8 s  01J    Connector.launch (connector.py:12)
all are ready   0.5 s                 start (begin.py:3)
and 5 more
""",
        "",
    )
    assert played.asked == [("promises", 2)]


def test_nothing(played: Any) -> None:
    """It says so."""
    played.answers["promises"] = Promises(0, [])
    assert played.run("promises") == (0, "nothing is awaited\n", "")


def test_json(played: Any) -> None:
    """A list of objects on one line, empty when nothing is awaited."""
    played.answers["promises"] = Promises(2, LINES)
    assert json.loads(played.run("promises", "--json")[1]) == [line._asdict() for line in LINES]
    played.answers["promises"] = Promises(0, [])
    assert played.run("promises", "--json") == (0, "[]\n", "")
