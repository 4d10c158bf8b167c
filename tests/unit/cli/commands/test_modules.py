"""`snowfox modules`."""

from __future__ import annotations

import json
from typing import Any

from snowfox.contract.manager import ModuleLine

LINES = [
    ModuleLine("store", "STORE", "up", "snowfox.manager.journal.module", True),
    ModuleLine("mine", "LATE", "failed", "mine", False),
]


def test_a_table(played: Any) -> None:
    """In the node's order."""
    played.answers["modules"] = LINES
    assert played.run("modules") == (
        0,
        """\
MODULE  LEVEL  STATE   ESSENTIAL  PACKAGE
store   STORE  up      yes        snowfox.manager.journal.module
mine    LATE   failed  no         mine
""",
        "",
    )


def test_json(played: Any) -> None:
    """A list of objects on one line."""
    played.answers["modules"] = LINES
    code, out, _ = played.run("modules", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert json.loads(out) == [line._asdict() for line in LINES]
