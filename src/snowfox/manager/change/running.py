"""Changes that are under way: which may begin beside them, and how one gives way to another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from snowfox.errors import NotNow
from snowfox.manager.change.carrying import Carrying, Outcome
from snowfox.manager.operation.operation import Operation
from snowfox.values import Seconds, span_text

_UNDONE: Final = frozenset({"rolled back", "refused"})


class Running:
    """A change that is under way, or waits for the one before it to be undone.

    Args:
        operation: its.
        undoes: those that it is there to undo.

    Attributes:
        task: carries it out.
        carrying: of it, once there is something to be taken back.
        why: it gave way; "" where it did not.
        outcome: how it ended.
        note: a line for `status` once it is in force, until the next one.
    """

    def __init__(self, operation: Operation, undoes: Sequence[Running] = ()) -> None:
        self.operation = operation
        self.undoes = undoes
        self.task: asyncio.Task[None] | None = None
        self.carrying: Carrying | None = None
        self.why = ""
        self.outcome: Outcome | None = None
        self.note = ""

    def told(self, now: Seconds) -> str:
        """A line for `status`."""
        one = self.operation
        since = span_text(now - one.began)
        return f"#{one.number} {one.verb} by {one.who} is under way since {since}: snowfox events -f  shows its steps"

    def supersede(self, number: int) -> None:
        """Let another take its place: it goes back, unless it is in force already; what only reads or verifies ends.

        The first takes it; that there are more changes nothing.
        """
        if self.why:
            return
        self.why = f"superseded by #{number}"
        if self.carrying is not None:
            self.carrying.give_up(self.why)
        elif self.task is not None:
            self.task.cancel()

    async def undo(self, version: str) -> Outcome | None:
        """Take back what it is there to undo; None where there is nothing, or where that came into force all the same.

        Args:
            version: in force, which stays so.
        """
        tasks = [one.task for one in self.undoes if one.task is not None]
        if not tasks:
            return None
        for other in self.undoes:
            other.supersede(self.operation.number)
        await asyncio.wait(tasks)
        ends = [one.outcome for one in self.undoes if one.outcome is not None]
        if any(end.is_in_force for end in ends):
            return None
        bad = next((end for end in ends if end.word not in _UNDONE), None)
        names = ", ".join(f"#{one.operation.number}" for one in self.undoes)
        return bad or Outcome("done", 0, f"{names} is undone: {version[:7]} is in force")


def to_undo(running: Sequence[Running]) -> tuple[Running, ...]:
    """What a rollback without a version is there to undo: all, where one is an apply."""
    return tuple(running) if any(one.operation.verb == "apply" for one in running) else ()


def refuse_beside(verb: str, running: Sequence[Running]) -> None:
    """Raises NotNow while a change is under way."""
    if not running:
        return
    other = running[0].operation
    msg = f"cannot {verb}: #{other.number} ({other.verb} by {other.who}) is under way"
    way = "undo it" if (verb, other.verb) == ("rollback", "apply") else "take its place"
    hint = "wait for it" if verb == "plan" else f"wait for it, or {way}: snowfox {verb} --supersede"
    raise NotNow(msg, hint)


def refuse_confirming(version: str, running: Sequence[Running]) -> None:
    """Raises NotNow while the node goes back.

    Args:
        version: to be confirmed.
        running: what is under way.
    """
    back = next((one.operation for one in running if one.operation.verb == "rollback"), None)
    if back is not None:
        msg = f"cannot confirm {version[:7]}: #{back.number} is going back already"
        raise NotNow(msg, f"once it is back, make it so again: snowfox rollback {version[:7]}")
