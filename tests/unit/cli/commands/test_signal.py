"""`snowfox signal`."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["HUP", "sighup", "1"])
def test_sent(played: Any, name: str) -> None:
    """By name or number; a line for each that got it."""
    played.answers["signal"] = ["web@1", "web@2"]
    assert played.run("signal", name, "web") == (
        0,
        "✓ web@1          HUP sent\n✓ web@2          HUP sent\n",
        "",
    )
    assert played.asked == [("signal", 1, "web")]


def test_nothing_runs(played: Any) -> None:
    """Exit code 1, on standard error."""
    played.answers["signal"] = []
    assert played.run("signal", "USR1", "web", "cache") == (
        1,
        "",
        "cannot send USR1 to web cache: nothing of it runs\n   see: snowfox status\n",
    )
    assert played.run("signal", "40", "--all")[2].startswith("cannot send 40 to anything: ")
    assert played.asked == [("signal", 10, "web cache"), ("signal", 40, "*")]


@pytest.mark.parametrize(("reached", "code"), [(["web@1"], 0), ([], 1)])
def test_json(played: Any, reached: list[str], code: int) -> None:
    """One object: the signal by name and number, and who got it."""
    played.answers["signal"] = reached
    found, out, err = played.run("signal", "TERM", "--json", "web")
    assert (found, err) == (code, "")
    assert json.loads(out) == {"signal": "TERM", "number": 15, "reached": reached}


@pytest.mark.parametrize("name", ["0", "65", "NOPE", "-9"])
def test_no_such_signal(played: Any, name: str) -> None:
    """Exit code 2; the node is not asked."""
    assert played.run("signal", name, "web") == (
        2,
        "",
        f'cannot send: "{name}" is not a signal\n   for example HUP, USR1, TERM\n',
    )
    assert played.asked == []


def test_wrong_use(played: Any) -> None:
    """Without a signal, and without a pattern."""
    assert played.run("signal")[0] == 2
    code, _, err = played.run("signal", "HUP")
    assert code == 2
    assert "snowfox signal SIGNAL --all" in err
