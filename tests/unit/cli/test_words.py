"""The words of a command."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from snowfox.cli import words as module
from snowfox.cli.commands import control, logs, signal
from snowfox.cli.words import Words
from snowfox.errors import UsageError


def read(command: Any, *words: str) -> dict[str, Any]:
    """What a command's words say, without its name."""
    parser = Words("test", "test words")
    command.add(parser)
    return {name: value for name, value in vars(parser.read(words)).items() if name != "command"}


@pytest.mark.parametrize(
    "words",
    [
        ("web", "cache", "--json"),
        ("--json", "web", "cache"),
        ("web", "--json", "cache"),
    ],
)
def test_options_stand_anywhere(words: tuple[str, ...]) -> None:
    """An option between patterns does not cut them off."""
    assert read(control, *words) == {"pattern": ["web", "cache"], "all": False, "json": True}


@pytest.mark.parametrize(
    "words",
    [
        ("-f", "-n", "5", "web"),
        ("web", "-fn", "5"),
        ("-fn5", "web"),
        ("-f", "web", "--lines=5"),
        ("--lines", "5", "-f", "web"),
    ],
)
def test_values_of_options(words: tuple[str, ...]) -> None:
    """An option keeps its value, in each of the usual forms."""
    found = read(logs, *words)
    assert (found["pattern"], found["follow"], found["lines"]) == (["web"], True, 5)


def test_after_two_dashes_all_are_patterns() -> None:
    """`--` ends the options."""
    assert read(signal, "HUP", "--json", "--", "--all", "-n") == {
        "signal": "HUP",
        "pattern": ["--all", "-n"],
        "all": False,
        "json": True,
    }


def test_an_option_is_not_shortened() -> None:
    """What is short for one option today could be short for two tomorrow."""
    with pytest.raises(UsageError, match='there is no option "--jso"') as caught:
        read(control, "--jso")
    assert caught.value.hint == 'did you mean "--json"?'


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-n",), "-n/--lines: expected one argument"),
        (("-n", "five"), '-n/--lines: "five" is not a number of lines: give 0 to 100000'),
        (("-n", "100001"), '-n/--lines: "100001" is not a number of lines: give 0 to 100000'),
        (("-n", "-1"), '-n/--lines: "-1" is not a number of lines: give 0 to 100000'),
    ],
)
def test_refusals(words: tuple[str, ...], text: str) -> None:
    """They name the option and what is wrong with it."""
    with pytest.raises(UsageError) as caught:
        read(logs, *words)
    assert str(caught.value) == f"cannot read the command: {text}"


def test_too_many_words() -> None:
    """A word that nothing takes is named."""
    parser = Words("test", "test words")
    with pytest.raises(UsageError, match='"a" is one word too many') as caught:
        parser.read(["a", "b"])
    assert caught.value.hint == "see: snowfox test --help"


def test_help_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is wrapped to the terminal's width, but never narrower than 38."""
    for columns in (50, 10):
        monkeypatch.setattr(
            module.os, "get_terminal_size", lambda _, columns=columns: argparse.Namespace(columns=columns)
        )
        with pytest.raises(SystemExit):
            read(logs, "--help")
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 50
