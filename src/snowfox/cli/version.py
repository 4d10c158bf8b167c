"""A version of the configuration, as people see it: `81d0e77 (main)`."""

from __future__ import annotations

from typing import Final

from snowfox.cli import paper

DIGITS: Final = 7


def short(digest: str) -> str:
    """The first digits of its id."""
    return digest[:DIGITS]


def source(name: str, commit: str) -> str:
    """What it was read from: `main`, `main, commit 5c0ffee`, or a commit that was asked for as such."""
    if not commit:
        return paper.safe(name)
    exact = f"commit {short(commit)}"
    return exact if not name or commit.startswith(name) else f"{paper.safe(name)}, {exact}"


def title(digest: str, name: str = "", commit: str = "") -> str:
    """Its first digits and what it was read from; of no version `nothing`."""
    if not digest:
        return "nothing"
    found = source(name, commit)
    return f"{short(digest)} ({found})" if found else short(digest)
