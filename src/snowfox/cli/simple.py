"""The words of a command, where they are simple: patterns or a PATH, flags, `--node FOLDER`. Else argparse reads them.

argparse with gettext and locale takes 6 ms, a sixth of all that `snowfox status` takes. What is read here argparse
would read alike (a test compares both); whatever may be anything else, a mistake or `--help`, is left to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    import argparse

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
"""No flags of a letter."""


def read(
    command: str,
    words: Iterable[str],
    flags: Collection[str],
    values: Collection[str] | None = None,
    *,
    short: Mapping[str, str] = NOTHING,
) -> argparse.Namespace | None:
    """What the words say; None where argparse has to be asked.

    Args:
        command: its name.
        words: what was given.
        flags: the options without a value that the command takes besides `--debug`.
        values: names of those with one besides `--node`, of a command that takes one PATH; None: it takes patterns.
        short: flags of a letter, and which they stand for.
    """
    patterns: list[str] = []
    folder: str | None = None
    given: set[str] = set()
    rest = iter(words)
    for word in rest:
        if word == "--node":
            folder = next(rest, "")
            if not folder or folder.startswith("-"):
                return None
        elif word in flags or word in short or word == "--debug":
            given.add(short.get(word, word))
        elif not word or word.startswith("-"):
            return None
        else:
            patterns.append(word)
    options: dict[str, object] = {
        flag.removeprefix("--").replace("-", "_"): flag in given for flag in (*flags, "--debug")
    }
    if values is None:
        options["pattern"] = patterns
    elif len(patterns) > 1:
        return None
    else:
        options |= {"path": next(iter(patterns), None), **dict.fromkeys(values)}
    found = SimpleNamespace(command=command, node=folder, **options)
    return cast("argparse.Namespace", found)
