"""`snowfox scale`."""

from __future__ import annotations

from typing import Any

import pytest

from snowfox.contract.manager import Progress

END = Progress("", "done", "web has 4 instances", 1200, last=True)


def test_numbers_of_services(played: Any) -> None:
    """Several at once; `default` is what is written."""
    played.answers["scale"] = [END]
    code, out, _ = played.run("scale", "shop.web=4", "cache=default")
    assert (code, played.asked) == (0, [("scale", {"shop.web": 4, "cache": 0})])
    assert "web has 4 instances" in out


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("web", "cannot read web: expected SERVICE=N\n   for example: snowfox scale web=4\n"),
        ("=4", "cannot read =4: expected SERVICE=N\n   for example: snowfox scale web=4\n"),
        ("web=-1", "cannot read web=-1: expected SERVICE=N\n   for example: snowfox scale web=4\n"),
        ("web=0", "cannot scale web to nothing\n   snowfox stop web  stops it until it is started\n"),
    ],
)
def test_words_that_say_nothing(played: Any, word: str, why: str) -> None:
    """They are wrong use; nothing is asked."""
    assert played.run("scale", word) == (2, "", why)
    assert played.asked == []
