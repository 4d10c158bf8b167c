"""`snowfox env`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.errors import NotFound

PAIRS = [["DEBUG", "0"], ["PATH", "/usr/bin"], ["TOKEN", "secret from secrets/token"], ["TEXT", "a=b\nc"]]


def test_lines(played: Any) -> None:
    """NAME=VALUE in the node's order, each on one line."""
    played.answers["env"] = PAIRS
    assert played.run("env", "web@2") == (
        0,
        "DEBUG=0\nPATH=/usr/bin\nTOKEN=secret from secrets/token\nTEXT=a=b�c\n",
        "",
    )
    assert played.asked == [("env", "web@2")]


def test_json(played: Any) -> None:
    """One object of names and values."""
    played.answers["env"] = PAIRS
    code, out, _ = played.run("env", "web", "--json")
    assert (code, json.loads(out)) == (0, dict(PAIRS))


def test_no_such_service(played: Any) -> None:
    """Exit code 4; without a name wrong use."""
    played.answers["env"] = NotFound("there is no service wbe")
    assert played.run("env", "wbe") == (4, "", "there is no service wbe\n")
    assert played.run("env")[0] == 2
