"""`snowfox confirm`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.manager import VersionLine
from snowfox.errors import UserError

LINE = VersionLine("81d0e77" + "0" * 57, "main", "", 7, "anna", is_current=True)


def test_it_stays(played: Any) -> None:
    """The version that does, for people and as JSON."""
    played.answers["confirm"] = LINE
    assert played.run("confirm") == (0, "81d0e77 (main) stays in force\n", "")
    code, out, _ = played.run("confirm", "--json")
    assert (code, json.loads(out)) == (0, LINE._asdict())


def test_nothing_to_confirm(played: Any) -> None:
    """A failure, in the node's words."""
    played.answers["confirm"] = UserError("cannot confirm: 81d0e77 needs it not")
    assert played.run("confirm") == (1, "", "cannot confirm: 81d0e77 needs it not\n")
