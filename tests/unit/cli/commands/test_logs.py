"""`snowfox logs`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest

from snowfox.cli.printer import Look, Printer
from snowfox.contract.manager import LogLine
from snowfox.errors import ConnectionLost

LINES = [LogLine("web@1", 5, b"one\ntwo"), LogLine("shop.long-name@12", 0, b"caf\xe9")]


def test_each_line_has_its_instance(played: Any) -> None:
    """An item of several lines is several lines, each with the name; fifty of each instance by default."""
    played.answers["logs"] = LINES[:1]
    assert played.run("logs") == (0, "web@1          | one\nweb@1          | two\n", "")
    assert played.asked == [("logs", "*", 50, False, 0, 0)]


def test_bytes_stay_as_they_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """What a service prints is not decoded."""
    printer = Printer(Look())
    for line in LINES:
        printer.show(line)
    assert capsysbinary.readouterr().out == (
        b"web@1          | one\nweb@1          | two\nshop.long-name@12 | caf\xe9\n"
    )


def test_options(played: Any) -> None:
    """Patterns, how many lines and whether to follow go to the node."""
    played.answers["logs"] = []
    assert played.run("logs", "-f", "web", "-n", "0", "cache") == (0, "", "")
    assert played.asked == [("logs", "web cache", 0, True, 0, 0)]


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
    printer = Printer(Look())
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


def test_all_lines_of_some_time(played: Any) -> None:
    """With a time all lines are asked for, unless their number is said."""
    played.answers["logs"] = []
    for words in (
        ("--since", "10m"),
        ("--since", "2026-01-02", "--until", "2026-01-02T10:00:01Z", "-n", "5"),
    ):
        assert played.run("logs", *words) == (0, "", "")
    (_, _, all_lines, _, since, _), (_, _, five, _, _, until) = played.asked
    assert (all_lines, five, until) == (-1, 5, 1_767_348_001_000)
    assert since > 0
    assert played.run("logs", "-f", "--until", "10m")[0] == 2


def test_only_lines_that_match(played: Any) -> None:
    """Each line for itself; the last of those that were there, then each that comes."""
    lines = [
        LogLine("web", 1, b"error 1\nfine\nerror 2"),
        LogLine("web", 2, b"error 3, ", is_part=True),
        LogLine("web", 2, b"cont"),
    ]
    played.answers["logs"] = [
        *lines,
        LogLine("", 0, b""),
        LogLine("web", 3, b"no\nerror 4"),
        LogLine("web", 3, b"error 5"),
    ]
    _, out, _ = played.run("logs", "-f", "-n", "2", "--grep", "err.r|cont", "--raw")
    assert out.splitlines() == ["error 2", "error 3, cont", "error 4", "error 5"]
    played.answers["logs"] = lines
    _, out, _ = played.run("logs", "--grep", "3, cont$", "--raw")
    assert out == "error 3, cont\n"
    assert [asked[2:4] for asked in played.asked] == [(-1, True), (-1, False)]


def test_wrong_expressions(played: Any) -> None:
    """Exit code 2, and why."""
    code, _, err = played.run("logs", "--grep", "(")
    assert code == 2
    assert "is not a regular expression" in err


def test_times_and_streams(played: Any) -> None:
    """The time of each line in this host's clock, the stream where there are two."""
    played.answers["logs"] = [LogLine("web", 1_767_348_001_002, b"x", "errors"), LogLine("web", 0, b"y")]
    _, out, _ = played.run("logs", "-t")
    first, second = out.splitlines()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S.002", time.localtime(1_767_348_001))
    assert first == f"web errors     | {stamp} x"
    assert second == f"web            | {' ' * 24}y"


def test_long_lines_are_put_together(played: Any) -> None:
    """The parts of a line are one line, also as JSON; one that is interrupted is ended."""
    lines = [LogLine("a", 1, b"one ", is_part=True), LogLine("a", 1, b"line\ntwo ", is_part=True)]
    played.answers["logs"] = [*lines, LogLine("b", 1, b"b"), LogLine("a", 1, b"lines")]
    _, out, _ = played.run("logs")
    assert (
        out
        == "a              | one line\na              | two \nb              | b\na              | lines\n"
    )
    played.answers["logs"] = [*lines, LogLine("a", 1, b"lines")]
    _, out, _ = played.run("logs", "--json")
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["one line", "two lines"]


def test_structured_lines(played: Any) -> None:
    """Readable for people, as they are with --raw, their fields with --json."""
    text = b'{"level": "error", "msg": "no such user", "id": 7, "time": 1}'
    played.answers["logs"] = [LogLine("web", 1, text), LogLine("web", 1, b"{not json}")]
    assert played.run("logs")[1].splitlines() == [
        "web            | ERROR no such user id=7",
        "web            | {not json}",
    ]
    assert played.run("logs", "--raw")[1].splitlines()[0] == text.decode()
    row = json.loads(played.run("logs", "--json")[1].splitlines()[0])
    assert (row["text"], row["fields"]) == (text.decode(), json.loads(text))


def test_new_files(played: Any) -> None:
    """`--rotate` says whose."""
    played.answers["rotate"] = ["web@1", "cache"]
    assert played.run("logs", "--rotate") == (0, "web@1: a new file\ncache: a new file\n", "")
    assert json.loads(played.run("logs", "--rotate", "--json", "web")[1]) == {"rotated": ["web@1", "cache"]}
    played.answers["rotate"] = []
    assert played.run("logs", "--rotate", "web")[1] == "nothing was printed since the last time\n"
    assert played.asked == [("rotate", "*"), ("rotate", "web"), ("rotate", "web")]


def test_a_terminal_is_not_moved(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What would move the cursor or ring is shown, colours stay; elsewhere all bytes stay."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    monkeypatch.setenv("NO_COLOR", "1")
    text = b"\x1b[31mred\x1b[0m\t\x1b[2J\x07\r"
    Printer(Look()).show(LogLine("a", 0, text))
    assert capsysbinary.readouterr().out == b"a              | \x1b[31mred\x1b[0m\t\\x1b[2J\\x07\n"
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: False)
    Printer(Look()).show(LogLine("a", 0, text))
    assert capsysbinary.readouterr().out == b"a              | " + text + b"\n"
