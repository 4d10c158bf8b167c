"""`snowfox links`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.links import LinkLine
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
LINES = [
    LinkLine("daemon", "", 0, "Daemon", "ManagerControl", 0, 0, 150, 812, 2048, 0, NOON - 250_000),
    LinkLine("spawner", "", 0, "Spawner", "ExitReports", 2, 0, -1, 3 << 20, 2048, 1, NOON - 9_000),
    LinkLine("pid 77", "eva", 77, "", "Manager", 0, 1, 1260, 90, 100, 0, NOON),
]


def test_a_table(played: Any, noon: VirtualClock) -> None:
    """In the order in which they began; what is nothing is not printed."""
    played.answers["links"] = LINES
    assert played.run("links") == (
        0,
        """\
LINK     USER  SERVES   CALLS           ASKED  ANSWERING  ROUND TRIP  RECEIVED  SENT  LOST  SINCE
daemon         Daemon   ManagerControl                    0.1 ms      812       2.0K        4m 10s
spawner        Spawner  ExitReports     2                             3.0M      2.0K  1     9s
pid 77   eva            Manager                1          1.3 ms      90        100         0s
""",
        "",
    )


def test_json(played: Any) -> None:
    """A list of objects on one line."""
    played.answers["links"] = LINES
    code, out, _ = played.run("links", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert json.loads(out) == [line._asdict() for line in LINES]


def test_a_name_cannot_move_the_terminal(played: Any, noon: VirtualClock) -> None:
    """What another host calls itself is printed without its signs."""
    played.answers["links"] = [LINES[0]._replace(name="a\x1b[2J", user="b\x07")]
    assert not {"\x1b", "\x07"} & set(played.run("links")[1])
