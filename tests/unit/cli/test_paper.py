"""What is printed on."""

from __future__ import annotations

import io
import os
import sys
import time
from typing import NamedTuple

import pytest

from snowfox.cli import paper
from snowfox.cli.paper import Paper


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True


class File(io.StringIO):
    """A stream into a file."""

    encoding = "UTF-8"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A usual terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_colour_on_a_terminal_only() -> None:
    """A file gets the text as it is, a terminal the text in its colour."""
    assert Paper(File()).colour("red", "no") == "no"
    assert Paper(Terminal()).colour("red", "no") == "\x1b[31mno\x1b[0m"
    assert Paper(Terminal()).prefix("web", 12) == Paper(Terminal()).prefix("web", 0) == "\x1b[36mweb\x1b[0m"
    assert Paper(File()).prefix("web", 0) == "web"


def test_no_colour_where_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR counts when it is set and not empty; a dumb terminal has no colour, and no line that moves."""
    monkeypatch.setenv("NO_COLOR", "")
    assert Paper(Terminal()).colour("red", "no") != "no"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paper(Terminal()).colour("red", "no") == "no"
    assert Paper(Terminal()).can_move
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert Paper(Terminal()).colour("red", "no") == "no"
    assert not Paper(Terminal()).can_move


def test_symbols_differ_without_colour() -> None:
    """Each light has a sign of its own, in UTF-8 and in plain ASCII; of a light of a newer node it is `?`."""
    names = ("green", "yellow", "red", "done", "violet")
    assert [Paper(File()).symbol(name) for name in names] == ["●", "◐", "✗", "✓", "?"]
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert [Paper(stream).symbol(name) for name in names] == ["*", "~", "!", "+", "?"]
    assert (Paper(stream).dot(), Paper(File()).dot()) == ("-", "·")
    assert Paper(Terminal()).symbol("done") == "\x1b[32m✓\x1b[0m"


def test_what_an_encoding_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs get their plain forms, anything else and what is no text at all becomes `?`."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    paper.prepare()
    paper.out().line("a … b · c → d é \udcff")
    assert stream.buffer.getvalue() == b"a ... b - c -> d ? ?\n"  # type: ignore[attr-defined]


def test_reading_keeps_its_errors() -> None:
    """The handler is for printing: what cannot be decoded stays an error."""
    paper.prepare()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "snowfox.signs")


def test_lines_are_one_write() -> None:
    """A table goes to the terminal at once; nothing prints nothing."""
    written: list[str] = []

    class Counting(File):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    Paper(Counting()).lines(["a", "b"])
    Paper(Counting()).lines([])
    assert written == ["a\nb\n"]


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a terminal as it is now; 0 for a file and for a terminal that does not know."""
    assert Paper(File()).width == 0
    assert Paper(Terminal()).width == 0  # it has no descriptor
    with_descriptor = Terminal()
    with_descriptor.fileno = lambda: 1  # type: ignore[method-assign]
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((33, 9)))
    assert Paper(with_descriptor).width == 33


def test_columns() -> None:
    """As wide as their widest cell; those without content are left out, but not the name's and the state's."""
    heads = ("SERVICE", "STATE", "PID", "MESSAGE")
    assert paper.columns(heads, [("a", "", "", "x"), ("longer-than", "", "", "")]) == [
        "SERVICE      STATE  MESSAGE",
        "a                   x",
        "longer-than",
    ]
    assert paper.columns(heads, []) == ["SERVICE  STATE  PID  MESSAGE"]


def test_safe() -> None:
    """Printable text stays, what could move a terminal is replaced."""
    assert paper.safe("é → ●") == "é → ●"
    assert paper.safe("a\x1b[31m\tb\udcff") == "a�[31m b�"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m"), (250, "4m 10s"), (7320, "2h 2m"), (273600, "3d 4h")],
)
def test_age(seconds: float, text: str) -> None:
    """Two units at most."""
    assert paper.age(seconds * 1000) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0.0 s"), (1949, "1.9 s"), (59_940, "59.9 s"), (59_960, "1 m 0 s"), (125_000, "2 m 5 s")],
)
def test_took(milliseconds: int, text: str) -> None:
    """Tenths below a minute, and never `60.0 s`."""
    assert paper.took(milliseconds) == text


def test_clock() -> None:
    """The time of day; of another day with its date."""
    noon = 1_717_243_200_000
    now = time.localtime(noon / 1000)
    assert paper.clock(noon, noon + 1000) == time.strftime("%H:%M:%S", now)
    assert paper.clock(noon, noon + 172_800_000) == time.strftime("%Y-%m-%d %H:%M:%S", now)


def test_count() -> None:
    """One is singular, none is not."""
    assert [paper.count(number, "service") for number in (0, 1, 2)] == [
        "0 services",
        "1 service",
        "2 services",
    ]


def test_wrapped() -> None:
    """Between words, indented; a very narrow terminal still gets 20 columns of text."""
    assert paper.wrapped("one two three", 10, "  ") == ["  one two three"]
    assert paper.wrapped("one two three four five", 24, "  ") == ["  one two three four", "  five"]


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """Every encoding can carry it, lone surrogates included."""
    paper.json_line({"text": "é\udcff"})
    assert capsys.readouterr().out == '{"text": "\\u00e9\\udcff"}\n'


def test_messages_as_json_has_them() -> None:
    """Objects with names inside of lists and of others; what is none stays as it is."""

    class Inner(NamedTuple):
        """A message."""

        a: int

    class Outer(NamedTuple):
        """One with others in it."""

        one: Inner
        more: list[Inner]
        names: list[str]

    found = paper.plain([Outer(Inner(1), [Inner(2)], ["x"])])
    assert found == [{"one": {"a": 1}, "more": [{"a": 2}], "names": ["x"]}]
    assert paper.plain("text") == "text"


def test_signs_for_plain_paper() -> None:
    """ASCII gets what stands for a sign."""
    assert Paper(File()).sign("±", "%") == "±"
    assert Paper(io.TextIOWrapper(io.BytesIO(), encoding="ascii")).sign("±", "%") == "%"
