"""A version as people see it."""

from __future__ import annotations

import pytest

from snowfox.cli import version

DIGEST = "81d0e77aa0" + "0" * 54
COMMIT = "5c0ffee123" + "0" * 30


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ((DIGEST,), "81d0e77"),
        ((DIGEST, "snowfox.toml"), "81d0e77 (snowfox.toml)"),
        ((DIGEST, "main", COMMIT), "81d0e77 (main, commit 5c0ffee)"),
        ((DIGEST, "5c0ffee", COMMIT), "81d0e77 (commit 5c0ffee)"),
        ((DIGEST, "", COMMIT), "81d0e77 (commit 5c0ffee)"),
        ((DIGEST, "a\x1b[2J"), "81d0e77 (a�[2J)"),
        (("",), "nothing"),
        (("", "main"), "nothing"),
    ],
)
def test_title(words: tuple[str, ...], title: str) -> None:
    """Seven digits, what it was read from, the commit that a branch was; safe for a terminal."""
    assert version.title(*words) == title
