"""What outlives a manager: versions of the configuration, wanted states, statuses, operations, facts.

Implementations of equal rank: `memory`, `sqlite`; one contract suite (tests/contract/store) proves both. Every method
raises StoreError when the store cannot be read or written.

```python
async with store.transaction() as change:        # all of it or nothing
    change.put_wanted("web", "stopped")
    change.put_operation(operation)
store.append(row)                                # a fact: written soon, with others
```
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple

FOREVER: Final = (1 << 63) - 1
"""The end of time, in milliseconds: as far as an integer of SQLite goes."""


class Version(NamedTuple):
    """A configuration that was in force.

    Args:
        id: its digest; putting the same again replaces all else.
        at: wall clock ms at which it came into force.
        name: what a person calls it: a file, a branch.
        content: all that it was read from.
        commit: id of the commit that it was read from; "" for files.
        who: brought it into force; "" where that was not written down.
        operation: number of the operation that did; 0 where that was not written down.
    """

    id: str
    at: int
    name: str
    content: bytes
    commit: str = ""
    who: str = ""
    operation: int = 0


class Operation(NamedTuple):
    """Something that somebody asked for.

    Args:
        id: of `core.ids`.
        number: counted, as people see it: `#42`.
        kind: `restart`.
        who: who asked.
        at: wall clock ms of its begin.
        end: wall clock ms of its end; 0 while it is under way.
        state: `running`, `done`, `failed` ... as its owner defines.
        json: its details.
    """

    id: str
    number: int
    kind: str
    who: str
    at: int
    end: int
    state: str
    json: str


class FactRow(NamedTuple):
    """An event as the journal keeps it; `fact` is its JSON, `id` sortable."""

    id: str
    at: int
    kind: str
    subject: str
    trace: str
    cause: str
    fact: str


class Query(Frozen):
    """Which facts: all conditions hold at once.

    Args:
        since: wall clock ms, included.
        until: wall clock ms, excluded.
        subject: exactly this one; None for all.
        trace: exactly this one; None for all.
        kind: exactly this one; None for all.
        before: only ids below this one; None for all. For paging back.
        last: the newest so many of them.
    """

    since: int = 0
    until: int = FOREVER
    subject: str | None = None
    trace: str | None = None
    kind: str | None = None
    before: str | None = None
    last: int = 100


class Limits(Frozen):
    """How much is kept; the oldest beyond goes (of operations only those that ended)."""

    facts: int = 100_000
    operations: int = 1_000
    versions: int = 100


class Health(NamedTuple):
    """How the store is.

    Args:
        failing: why the last write failed; "" when it went well.
        buffered: facts that wait for being written.
        dropped: facts that were lost since it was opened, because writing failed for too long.
    """

    failing: str
    buffered: int
    dropped: int


class Write(NamedTuple):
    """One step of a transaction: a table's name, the key, the row or None for its removal."""

    table: str
    key: str
    row: Version | Operation | FactRow | str | None


class Transaction:
    """Collects writes; they are done as one at the end of the `async with` block, or none when it raises.

    Leaving the block returns when it is on the disk as far as the store promises (see the implementation), and raises
    StoreError when it could not be written: then nothing was.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes: list[Write] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is None and self.writes:
            await self._store.commit(self.writes)

    def put_version(self, version: Version) -> None:
        """Add a version, or replace the one with its id."""
        self.writes.append(Write("versions", version.id, version))

    def put_wanted(self, name: str, state: str) -> None:
        """Somebody wants this state of a service or instance, until `drop_wanted`."""
        self.writes.append(Write("wanted", name, state))

    def drop_wanted(self, name: str) -> None:
        """Nobody wants anything special of it any more; fine if nobody did."""
        self.writes.append(Write("wanted", name, None))

    def put_status(self, name: str, status: str) -> None:
        """How an instance is, as its owner writes it down (JSON), until `drop_status`."""
        self.writes.append(Write("statuses", name, status))

    def drop_status(self, name: str) -> None:
        """Keep it no longer; fine if nothing was kept."""
        self.writes.append(Write("statuses", name, None))

    def put_operation(self, operation: Operation) -> None:
        """Add an operation, or replace the one with its id."""
        self.writes.append(Write("operations", operation.id, operation))

    def put_fact(self, fact: FactRow) -> None:
        """Add a fact as part of this transaction; one whose id is there already is left as it is."""
        self.writes.append(Write("facts", fact.id, fact))


class Reader(ABC):
    """The reads. They see every write that was awaited, and every fact that was appended."""

    @abstractmethod
    async def versions(self, last: int = 100) -> list[Version]:
        """The newest so many, oldest first; without their content, which may be much: `version` has it."""

    @abstractmethod
    async def version(self, id: str) -> Version | None:
        """The one with this id, or None."""

    @abstractmethod
    async def wanted(self) -> dict[str, str]:
        """All wanted states by name."""

    @abstractmethod
    async def statuses(self) -> dict[str, str]:
        """How instances were, by name."""

    @abstractmethod
    async def operations(self, last: int = 100, *, unfinished: bool = False) -> list[Operation]:
        """The newest so many by number, oldest first; with `unfinished` only those under way."""

    @abstractmethod
    async def operation(self, id_or_number: str | int) -> Operation | None:
        """The one with this id or number, or None."""

    @abstractmethod
    async def last_number(self) -> int:
        """The greatest number of an operation; 0 without any."""

    @abstractmethod
    async def facts(self, query: Query) -> list[FactRow]:
        """Those that match, oldest first."""


class Store(Reader):
    """Reads and writes; `open` first, `close` at the end, or `async with store:` for both."""

    def transaction(self) -> Transaction:
        """`async with store.transaction() as change:` writes to several tables as one."""
        return Transaction(self)

    @abstractmethod
    async def open(self) -> None:
        """Make it ready. StoreError `cannot open store PATH: …` when it is damaged, newer, or not reachable."""

    @abstractmethod
    async def close(self) -> None:
        """Write what is buffered and let go. Again is fine. StoreError when the rest could not be written."""

    @abstractmethod
    async def commit(self, writes: Sequence[Write]) -> None:
        """Do all these or none; for `Transaction`."""

    @abstractmethod
    def append(self, fact: FactRow) -> None:
        """Let it be written soon, with others. Never raises, never waits; bounded: see `health().dropped`."""

    @abstractmethod
    async def flush(self) -> None:
        """Return when all that was appended before is written."""

    @abstractmethod
    def health(self) -> Health:
        """How writing goes."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
