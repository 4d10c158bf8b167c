"""Words that are read without argparse."""

from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any

import pytest

from snowfox.cli import simple
from snowfox.cli.commands import apply, plan, status, up
from snowfox.cli.words import Words
from snowfox.errors import UsageError

WORDS = (
    "",
    "a b",
    *["web", "*", "--json", "--node", "--node=a", "--debug", "--", "-", "-x", "--jso", "--node="],
    *["--exit-code", "--keep", "--wait", "--confirm=5m", "-d", "--detach", "--policy"],
)


def read(module: ModuleType, words: tuple[str, ...]) -> Any:
    """What is read here."""
    short = getattr(module, "SHORT", simple.NOTHING)
    return simple.read("any", words, module.FLAGS, getattr(module, "VALUES", None), short=short)


def by_argparse(module: ModuleType, words: tuple[str, ...]) -> dict[str, Any] | None:
    """What argparse says; None where it refuses."""
    parser = Words("any", "what runs")
    module.add(parser)
    parser.add_argument("--node", metavar="FOLDER")
    parser.add_argument("--debug", action="store_true")
    try:
        return vars(parser.read(words))
    except UsageError:
        return None


@pytest.mark.parametrize("module", [status, apply, plan, up])
def test_it_differs_from_argparse_in_nothing(module: ModuleType) -> None:
    """Every list of up to three of these words is left to argparse, or means the same."""
    count_read = 0
    for count in range(4):
        for words in product(WORDS, repeat=count):
            found = read(module, words)
            if found is not None:
                count_read += 1
                assert vars(found) == by_argparse(module, words), words
    assert count_read > 60


def test_the_usual_words_need_no_argparse() -> None:
    """What people type."""
    for words in ((), ("web",), ("--json",), ("--node", "/srv/shop", "web", "--json", "cache"), ("--debug",)):
        assert read(status, words) is not None
    for words in (
        (),
        ("other.toml",),
        ("--keep", "--supersede"),
        ("--node", "/srv/shop", "git:.@main", "--json"),
    ):
        assert read(apply, words) is not None
    assert read(plan, ("--exit-code",)) is not None
    assert read(up, ("-d", "/srv/shop")) is not None


def test_help_is_argparses() -> None:
    """So is every option that is not known here."""
    for words in (("--help",), ("-h",), ("web", "--help"), ("--node",), ("--node", "--json")):
        assert read(status, words) is None
    for words in (("--wait", "5m"), ("a", "b"), ("--help",)):
        assert read(apply, words) is None
