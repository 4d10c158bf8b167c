"""`snowfox rollback`; what it has in common with `apply` stands there."""

from __future__ import annotations

from typing import Any

from snowfox.contract.manager import Progress

END = Progress("", "done", "3f9a1c2 is in force again", 2100, last=True)


def test_the_one_before_and_a_named_one(played: Any) -> None:
    """Without VERSION the node takes the one before."""
    played.answers["rollback"] = [END]
    line = "3f9a1c2 is in force again · 2.1 s · snowfox rollback  goes back\n"
    assert played.run("rollback") == (0, line, "")
    assert played.run("rollback", "3f9a1c2", "--supersede")[0] == 0
    assert played.asked == [("rollback", "", False), ("rollback", "3f9a1c2", True)]


def test_no_such_version(played: Any) -> None:
    """It is refused, with where to look."""
    why = "cannot roll back: no versions begin with abc\n   snowfox versions  lists what is kept"
    refused = END._replace(state="refused", message="refused: nothing was changed", code=3, details=[why])
    played.answers["rollback"] = [refused]
    assert played.run("rollback", "abc") == (3, "", f"{why}\nrefused: nothing was changed\n")


def test_an_empty_word_is_not_the_one_before(played: Any) -> None:
    """A script whose variable is empty changes nothing."""
    assert played.run("rollback", "") == (
        2,
        "",
        "cannot go back: the version is empty\n   see: snowfox versions\n",
    )
    assert played.asked == []
