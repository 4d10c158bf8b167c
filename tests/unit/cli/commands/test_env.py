"""`snowfox env`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.manager import Variable
from snowfox.errors import NotFound

FOUND = [
    Variable("DEBUG", "0"),
    Variable("EMPTY", ""),
    Variable("KEY", "5", "secret, from /srv/key"),
    Variable("TEXT", "a=b\nc"),
    Variable("TOKEN", "", "secret, from /srv/token"),
]


def test_lines(played: Any) -> None:
    """NAME=VALUE in the node's order, each on one line; of a secret where it comes from."""
    played.answers["env"] = FOUND
    assert played.run("env", "web@2") == (
        0,
        "DEBUG=0\nEMPTY=\nKEY=5  (secret, from /srv/key)\nTEXT=a=b�c\nTOKEN  (secret, from /srv/token)\n",
        "",
    )
    assert played.asked == [("env", "web@2")]


def test_json(played: Any) -> None:
    """One object of names and values; null is known by the launch alone."""
    played.answers["env"] = FOUND
    code, out, _ = played.run("env", "web", "--json")
    assert (code, json.loads(out)) == (
        0,
        {"DEBUG": "0", "EMPTY": "", "KEY": "5", "TEXT": "a=b\nc", "TOKEN": None},
    )


def test_no_such_service(played: Any) -> None:
    """Exit code 4; without a name wrong use."""
    played.answers["env"] = NotFound("there is no service wbe")
    assert played.run("env", "wbe") == (4, "", "there is no service wbe\n")
    assert played.run("env")[0] == 2
