"""What is kept of changes, and the time by which a provisional version has to be confirmed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from snowfox.core.log import get
from snowfox.core.store.api import Version
from snowfox.errors import SnowFoxError
from snowfox.manager.alarm import Alarm
from snowfox.manager.change.record import RETIRING, Change, Provisional, Record, parse
from snowfox.manager.node import Node
from snowfox.values import Seconds

_AGAIN: Final[Seconds] = 1.0
"""How long until a time that is over is looked at again, where the node cannot go back just now."""

_RETRY: Final[Seconds] = 60.0
"""How long until going back is tried again, where it did not succeed."""

_log: Final = get("manager.change")


class Ledger:
    """Keeps the record of changes in the store.

    Args:
        node: whose.
        expire: goes back from a version that was not confirmed in time; False when it cannot just now.
    """

    def __init__(self, node: Node, expire: Callable[[Provisional], bool]) -> None:
        self._node = node
        self._expire = expire
        self._record = parse(node.remembered.change)
        self._alarm: Alarm | None = None

    @property
    def provisional(self) -> Provisional | None:
        """The version that waits to be confirmed."""
        return self._record.provisional

    async def begin(self, version: str, *, is_first: bool, note: str = "") -> None:
        """The node begins with this version; a change that was under way is over.

        Args:
            version: in force.
            is_first: whether it was read anew: whatever was under way before has no meaning then.
            note: a line for `status`, where it was.

        Raises StoreError.
        """
        before = self._record
        left, waits = before.change, before.provisional
        if is_first:
            began_anew = (
                f"#{left.number} was interrupted: the node began anew with {version[:7]}" if left else ""
            )
            note = note or began_anew
            waits = waits if waits is not None and waits.version == version else None
        else:
            note = before.note if left is None else _interrupted(left)
        record = Record(None, waits, note)
        if record != before:
            await self._keep(record)
        self._arm()

    def close(self) -> None:
        """Count no time any more."""
        if self._alarm is not None:
            self._node.alarms.clear(self._alarm)
            self._alarm = None

    def notes(self) -> list[str]:
        """Lines for `status`."""
        notes = [self._record.note] if self._record.note else []
        waits = self._record.provisional
        if waits is not None:
            left = max(0, waits.by - self._node.clock.wall()) // 1000
            notes.append(
                f"{waits.version[:7]} goes back to {waits.before[:7]} in {left} s unless confirmed: snowfox confirm"
            )
        return notes

    async def put(self, change: Change | None, version: Version | None, confirm: int = 0) -> None:
        """What becomes of a change. Raises StoreError.

        Args:
            change: as it is now; None: none is under way.
            version: in force from now on; None: the one before still is.
            confirm: with a version: ms from now within which it has to be confirmed; 0: it stays.
        """
        record = self._record._replace(change=change)
        if version is None:
            await self._keep(record)
            return
        record = record._replace(provisional=self._waits(change, confirm))
        await self._node.storage.switch(version, record.text(), daemon=self._node.welcome.version)
        self._record = record

    def _waits(self, change: Change | None, confirm: int) -> Provisional | None:
        if change is None or not confirm:
            return None
        other = self._record.provisional
        # Nobody stood by a version that was provisional itself: back is to what was before it.
        before = other.before if other is not None and other.version == change.before else change.before
        if before == change.after:
            return None
        return Provisional(change.after, before, self._node.clock.wall() + confirm)

    async def settled(self, note: str = "") -> None:
        """A change was made; `note` is for `status`. Raises StoreError."""
        await self._keep(Record(None, self._record.provisional, note))
        self._arm()

    async def failed(self, note: str) -> None:
        """A change was not made; why is shown by `status`."""
        with suppress(SnowFoxError):  # it is in the journal; the note is for people who look soon
            await self._keep(self._record._replace(note=note))

    async def confirm(self) -> None:
        """Nothing waits to be confirmed any more. Raises StoreError."""
        self.close()  # time does not run out while it is stored
        try:
            await self._keep(self._record._replace(provisional=None))
        finally:
            self._arm()

    async def _keep(self, record: Record) -> None:
        await self._node.storage.put_change(record.text())
        self._record = record

    def _arm(self) -> None:
        self.close()
        waits = self._record.provisional
        if waits is not None:
            left = max(0, waits.by - self._node.clock.wall()) / 1000
            self._alarm = self._node.alarms.set(left, self._due)

    def _due(self) -> None:
        self._alarm = None
        waits = self._record.provisional
        if waits is None:
            return
        begun = self._expire(waits)
        if begun:
            _log.warning("not confirmed in time", version=waits.version)
        # Until it is back it is not forgotten: going back may be refused, or end with this manager.
        self._alarm = self._node.alarms.set(_RETRY if begun else _AGAIN, self._due)


def _interrupted(left: Change) -> str:
    if left.phase == RETIRING:
        return f"#{left.number} was interrupted when {left.after[:7]} was in force already: it stays"
    return f"#{left.number} was interrupted: the node went back to {left.before[:7]}"
