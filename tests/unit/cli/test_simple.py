"""Words that are read without argparse."""

from __future__ import annotations

from itertools import product
from typing import Any

from snowfox.cli import simple
from snowfox.cli.commands import status
from snowfox.cli.words import Words
from snowfox.errors import UsageError

WORDS = (
    "",
    "a b",
    *["web", "*", "--json", "--node", "--node=a", "--debug", "--", "-", "-x", "--jso", "--node="],
)


def by_argparse(words: tuple[str, ...]) -> dict[str, Any] | None:
    """What argparse says; None where it refuses."""
    parser = Words("status", "what runs")
    status.add(parser)
    parser.add_argument("--node", metavar="FOLDER")
    parser.add_argument("--debug", action="store_true")
    try:
        return vars(parser.read(words))
    except UsageError:
        return None


def test_it_differs_from_argparse_in_nothing() -> None:
    """Every list of up to three of these words is left to argparse, or means the same."""
    read = 0
    for count in range(4):
        for words in product(WORDS, repeat=count):
            found = simple.read("status", words, status.FLAGS)
            if found is not None:
                read += 1
                assert vars(found) == by_argparse(words), words
    assert read > 150


def test_the_usual_words_need_no_argparse() -> None:
    """What people type."""
    for words in ((), ("web",), ("--json",), ("--node", "/srv/shop", "web", "--json", "cache"), ("--debug",)):
        assert simple.read("status", words, status.FLAGS) is not None


def test_help_is_argparses() -> None:
    """So is every option that is not known here."""
    for words in (("--help",), ("-h",), ("web", "--help"), ("--node",), ("--node", "--json")):
        assert simple.read("status", words, status.FLAGS) is None
