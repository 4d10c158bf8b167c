"""The known word that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

MOST: Final = 2000
"""Known words that are looked at: 10 µs each."""


def nearest(word: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Up to `most` of the known words that look like `word`, best first; [] when none does."""
    import difflib  # noqa: PLC0415 - needed once something is wrong, not before

    by_lower = {name.lower(): name for name in islice(known, MOST)}
    found = difflib.get_close_matches(word.lower()[:100], by_lower, n=most, cutoff=0.6)
    return [by_lower[name] for name in found]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "restart"?`, or "" when nothing is near."""
    found = nearest(word, known)
    return f'did you mean "{found[0]}"?' if found else ""
