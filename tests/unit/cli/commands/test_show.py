"""`snowfox show`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.cli import paper
from snowfox.contract.manager import Effective, Ending, InstanceStatus, LogLine, ServiceView
from snowfox.errors import NotFound
from snowfox.testing.clock import VirtualClock

NOON = 1_717_243_200_000
WEB = InstanceStatus(
    "shop.web@1", "shop.web", "ready", "green", NOON - 12_000, 9033, 50_541_363, 1, "restarted", 8
)
VIEW = ServiceView(
    "shop.web",
    [
        Effective("command", '["gunicorn", "shop:app"]', "snowfox.toml:12"),
        Effective("environment.PYTHONUNBUFFERED", '"1"', "[template.python]"),
        Effective("stop.grace", "10s", "default"),
    ],
    [WEB],
    [
        Ending(NOON - 13_000, "shop.web@1", "killed by signal 9 (KILL), not by us"),
        Ending(NOON - 86_400_000, "shop.web@1", "exit 1 after 3 s"),
    ],
    [LogLine("shop.web@1", NOON, b"listening"), LogLine("shop.web@2", NOON, b"ready \x1b[2J")],
)


def clock(seconds: int) -> str:
    """So long before noon, on the clock of this host."""
    return paper.clock(NOON - seconds * 1000, NOON)


def test_all_about_a_service(played: Any, noon: VirtualClock) -> None:
    """Keys with their origin, instances as of `status`, last exits, last lines; safe for a terminal."""
    played.answers["show"] = VIEW
    assert played.run("show", "shop.web") == (
        0,
        f"""\
shop.web · 1 instance
   KEY                           VALUE                     FROM
   command                       ["gunicorn", "shop:app"]  snowfox.toml:12
   environment.PYTHONUNBUFFERED  "1"                       [template.python]
   SERVICE     STATE  SINCE  PID   MEMORY  RESTARTS  MESSAGE
 ● shop.web@1  ready  12s    9033  48.2M   1         restarted
last exits:
   {clock(13)}             shop.web@1  killed by signal 9 (KILL), not by us
   {clock(86_400)}  shop.web@1  exit 1 after 3 s
last lines:
shop.web@1     | listening
shop.web@2     | ready �[2J
""",
        "",
    )
    assert played.asked == [("show", "shop.web")]


def test_with_defaults(played: Any) -> None:
    """When asked for, keys that nobody wrote are there too."""
    played.answers["show"] = VIEW
    assert (
        "   stop.grace                    10s                       default\n"
        in played.run("show", "web", "--all")[1]
    )


def test_little_to_tell(played: Any) -> None:
    """What is empty has no title."""
    played.answers["show"] = ServiceView("web", [], [], [], [])
    assert played.run("show", "web") == (0, "web · 0 instances\n", "")


def test_keys_without_origin(played: Any) -> None:
    """Where nobody knows where they come from there is no column for it."""
    played.answers["show"] = ServiceView("web", [Effective("user", '"shop"', "")], [], [], [])
    assert played.run("show", "web")[1].splitlines()[1:] == ["   KEY   VALUE", '   user  "shop"']


def test_a_long_value(played: Any) -> None:
    """It is whole, and moves no other row."""
    keys = [Effective("command", "x" * 200, "a.toml:1"), Effective("user", '"shop"', "a.toml:2")]
    played.answers["show"] = ServiceView("web", keys, [], [], [])
    lines = played.run("show", "web")[1].splitlines()
    assert lines[2] == f"   command  {'x' * 200}  a.toml:1"
    assert lines[3].index("a.toml:2") == 3 + len("command") + 2 + 60 + 2


def test_json(played: Any) -> None:
    """One object, in the contract's names; output is text."""
    played.answers["show"] = VIEW
    code, out, _ = played.run("show", "shop.web", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert json.loads(out) == {
        "name": "shop.web",
        "keys": [key._asdict() for key in VIEW.keys],
        "instances": [WEB._asdict()],
        "exits": [one._asdict() for one in VIEW.exits],
        "next_runs": [],
        "lines": [
            {"instance": "shop.web@1", "at": NOON, "text": "listening"},
            {"instance": "shop.web@2", "at": NOON, "text": "ready \x1b[2J"},
        ],
    }


def test_no_such_service(played: Any) -> None:
    """Exit code 4; without a name wrong use."""
    played.answers["show"] = NotFound("there is no service wbe", 'did you mean "web"?')
    assert played.run("show", "wbe") == (4, "", 'there is no service wbe\n   did you mean "web"?\n')
    assert played.run("show")[0] == 2
