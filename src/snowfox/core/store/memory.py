"""The store in memory: for tests, and for a node that is to leave nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from snowfox.core.store.api import FactRow, Health, Limits, Operation, Query, Store, Version, Write
from snowfox.errors import InternalError, StoreError


class MemoryStore(Store):
    """Holds everything in dictionaries, within its limits. Keeps nothing after the process.

    Args:
        limits: how much is kept.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._is_open = False
        self._versions: dict[str, Version] = {}
        self._texts: dict[str, dict[str, str]] = {"wanted": {}, "statuses": {}}
        self._operations: dict[str, Operation] = {}
        self._facts: dict[str, FactRow] = {}

    async def open(self) -> None:
        """Ready at once."""
        self._is_open = True

    async def close(self) -> None:
        """Keeps what it has, for another `open` in the same process."""
        self._is_open = False

    async def commit(self, writes: Sequence[Write]) -> None:
        """In place; nothing can fail half way."""
        self._check()
        for write in writes:
            self._do(write)
        self._prune()

    def append(self, fact: FactRow) -> None:
        """Written at once."""
        self._facts.setdefault(fact.id, fact)
        self._prune()

    async def flush(self) -> None:
        """Nothing waits."""
        self._check()

    def health(self) -> Health:
        """Always well."""
        return Health("", 0, 0)

    async def versions(self, last: int = 100) -> list[Version]:
        """The newest so many, oldest first, without their content."""
        self._check()
        found = sorted(self._versions.values(), key=lambda version: (version.at, version.id))
        return [version._replace(content=b"") for version in found[-last:]]

    async def version(self, id: str) -> Version | None:
        """The one with this id, or None."""
        self._check()
        return self._versions.get(id)

    async def wanted(self) -> dict[str, str]:
        """All wanted states by name."""
        self._check()
        return dict(self._texts["wanted"])

    async def statuses(self) -> dict[str, str]:
        """How instances were, by name."""
        self._check()
        return dict(self._texts["statuses"])

    async def operations(self, last: int = 100, *, unfinished: bool = False) -> list[Operation]:
        """The newest so many by number, oldest first; with `unfinished` only those under way."""
        self._check()
        found = [one for one in self._operations.values() if not (unfinished and one.end)]
        return sorted(found, key=lambda operation: operation.number)[-last:]

    async def operation(self, id_or_number: str | int) -> Operation | None:
        """The one with this id or number, or None."""
        self._check()
        if isinstance(id_or_number, str):
            return self._operations.get(id_or_number)
        return next((one for one in self._operations.values() if one.number == id_or_number), None)

    async def last_number(self) -> int:
        """The greatest number of an operation; 0 without any."""
        self._check()
        return max((operation.number for operation in self._operations.values()), default=0)

    async def facts(self, query: Query) -> list[FactRow]:
        """Those that match, oldest first."""
        self._check()
        found = [fact for _, fact in sorted(self._facts.items()) if _matches(fact, query)]
        return found[-query.last :] if query.last > 0 else []

    def _check(self) -> None:
        if not self._is_open:
            msg = "cannot use the store in memory: it is not open"
            raise StoreError(msg)

    def _do(self, write: Write) -> None:
        match write.row:
            case Version() as version:
                self._versions[version.id] = version
            case Operation() as operation:
                self._operations[operation.id] = operation
            case FactRow() as fact:
                self._facts.setdefault(fact.id, fact)
            case str() as text:
                self._text(write)[write.key] = text
            case None:
                self._text(write).pop(write.key, None)
            case _:
                assert_never(write.row)

    def _text(self, write: Write) -> dict[str, str]:
        try:
            return self._texts[write.table]
        except KeyError:
            msg = f"the store has no texts in {write.table}"
            raise InternalError(msg) from None

    def _prune(self) -> None:
        limits = self._limits
        while len(self._facts) > limits.facts:
            del self._facts[min(self._facts)]
        while len(self._versions) > limits.versions:
            oldest = min(self._versions.values(), key=lambda version: (version.at, version.id))
            del self._versions[oldest.id]
        ended = sorted(
            (one for one in self._operations.values() if one.end), key=lambda operation: operation.number
        )
        excess = len(self._operations) - limits.operations
        for operation in ended[: max(excess, 0)]:
            del self._operations[operation.id]


def _matches(fact: FactRow, query: Query) -> bool:
    return (
        query.since <= fact.at < query.until
        and query.subject in {None, fact.subject}
        and query.trace in {None, fact.trace}
        and query.kind in {None, fact.kind}
        and (query.before is None or fact.id < query.before)
    )
