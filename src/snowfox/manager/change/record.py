"""What of a change outlives the manager: which is under way, what waits to be confirmed, how the last one ended.

Written before anything moves. Whoever finds a change that was under way knows by its phase which version the node is at:
`applying` and `undoing`: at `before`; `retiring`: at `after`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from snowfox.core.log import get
from snowfox.core.named import NamedTuple

APPLYING: Final = "applying"
UNDOING: Final = "undoing"
RETIRING: Final = "retiring"

_log = get("manager.change")


class Change(NamedTuple):
    """A change that is under way: its operation, from which version to which, and its phase."""

    operation: str
    number: int
    before: str
    after: str
    phase: str


class Provisional(NamedTuple):
    """A version that goes back to the one before unless it is confirmed until `by` (wall clock ms)."""

    version: str
    before: str
    by: int


class Record(NamedTuple):
    """All of it.

    Args:
        change: the one that is under way.
        provisional: what waits to be confirmed.
        note: a line for `status`: how the last change ended, where nobody may have seen it or it was not well.
    """

    change: Change | None = None
    provisional: Provisional | None = None
    note: str = ""

    def text(self) -> str:
        """As it is stored."""
        return json.dumps([self.change, self.provisional, self.note])


def parse(text: str) -> Record:
    """What was stored; one that cannot be read is as good as none."""
    if not text:
        return Record()
    try:
        found: Any = json.loads(text)
        change, provisional, note = found
        return Record(
            None if change is None else Change(*change),
            None if provisional is None else Provisional(*provisional),
            str(note),
        )
    except (ValueError, TypeError):
        _log.error("cannot read what became of the last change")
        return Record()
