"""`snowfox logs`."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from snowfox.cli.commands.logs import Printer
from snowfox.contract.manager import LogLine
from snowfox.errors import ConnectionLost

LINES = [LogLine("web@1", 5, b"one\ntwo"), LogLine("shop.long-name@12", 0, b"caf\xe9")]


def test_each_line_has_its_instance(played: Any) -> None:
    """An item of several lines is several lines, each with the name; fifty of each instance by default."""
    played.answers["logs"] = LINES[:1]
    assert played.run("logs") == (0, "web@1          | one\nweb@1          | two\n", "")
    assert played.asked == [("logs", "*", 50, False)]


def test_bytes_stay_as_they_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """What a service prints is not decoded."""
    printer = Printer(as_json=False)
    for line in LINES:
        printer.show(line)
    assert capsysbinary.readouterr().out == (
        b"web@1          | one\nweb@1          | two\nshop.long-name@12 | caf\xe9\n"
    )


def test_options(played: Any) -> None:
    """Patterns, how many lines and whether to follow go to the node."""
    played.answers["logs"] = []
    assert played.run("logs", "-f", "web", "-n", "0", "cache") == (0, "", "")
    assert played.asked == [("logs", "web cache", 0, True)]


def test_json(played: Any) -> None:
    """An object a line of output; what is no text is replaced."""
    played.answers["logs"] = LINES
    code, out, _ = played.run("logs", "--json")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"instance": "web@1", "at": 5, "text": "one"},
        {"instance": "web@1", "at": 5, "text": "two"},
        {"instance": "shop.long-name@12", "at": 0, "text": "caf�"},
    ]


def test_the_node_ends(played: Any) -> None:
    """While following that is the end of it, and is said; otherwise lines are missing, which is a failure."""
    played.answers["logs"] = [ConnectionLost("the session ended")]
    assert played.run("logs", "-f") == (0, "", "the node ended the session\n")
    assert played.run("logs") == (1, "", "the session ended\n")


def test_a_colour_for_each(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """On a terminal names have colours, each instance its own, kept from line to line."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    printer = Printer(as_json=False)
    for name in ("a", "b", "a"):
        printer.show(LogLine(name, 0, b"x"))
    lines = capsysbinary.readouterr().out.splitlines()
    assert lines[0] == lines[2] == b"\x1b[36ma              | \x1b[0mx"
    assert lines[1].startswith(b"\x1b[35mb")


@pytest.mark.parametrize("count", ["x", "-1", "100001", "1e3", "", "٣"])
def test_wrong_counts(played: Any, count: str) -> None:
    """Exit code 2, and what is allowed."""
    code, _, err = played.run("logs", "-n", count)
    assert code == 2
    assert "-n/--lines: " in err
    assert played.asked == []
