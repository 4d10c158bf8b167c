"""The store in a SQLite file.

One thread reads and writes, with one connection; the loop never waits for the disk. Facts are collected for up to
50 ms or 500 of them and written in one transaction, together with the next `commit` if that comes first. When writing
fails, who awaits gets StoreError; facts stay collected, bounded, and are tried again with growing delay and with
each commit, on a new connection: so the store recovers when the disk does.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from snowfox.core import log
from snowfox.core.backoff import Backoff
from snowfox.core.ids import KernelRandom
from snowfox.core.store.api import FactRow, Health, Limits, Operation, Query, Store, Version, Write
from snowfox.core.store.schema import connect, prunings, select_facts, version_pruning
from snowfox.errors import StoreError, errno_text
from snowfox.values import Seconds

T = TypeVar("T")

COLLECT: Final[Seconds] = 0.05
"""Seconds that a fact waits for others."""
BATCH: Final = 500
"""Facts that are written without waiting for more."""
MOST_BUFFERED: Final = 10_000
"""Facts that wait while writing fails; then the oldest are dropped."""
_PRUNE_EVERY: Final = 1000
_BUSY: Final[Seconds] = 5.0
_MOST_SECONDS: Final[Seconds] = 30.0
_RETRY: Final = Backoff(0.5, 2.0, 5.0)

_PUT: Final = {
    "versions": "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
    "operations": "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "facts": "INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?)",
    "wanted": "INSERT OR REPLACE INTO wanted VALUES (?, ?)",
    "statuses": "INSERT OR REPLACE INTO statuses VALUES (?, ?)",
}
_DROP: Final = {
    "wanted": "DELETE FROM wanted WHERE name = ?",
    "statuses": "DELETE FROM statuses WHERE name = ?",
}
_VERSION: Final = 'SELECT id, at, name, content, "commit", who, operation FROM versions'
_VERSIONS: Final = _VERSION.replace("content", "x''", 1)
_OPERATION: Final = 'SELECT id, number, kind, who, at, "end", state, json FROM operations'

_log: Final = log.get("store")


class SqliteStore(Store):
    """A file at `path` (absolute), made with mode 0600 when missing. Belongs to the loop that opened it.

    A commit survives the end of this process at any moment; a power cut may take the last ones, but no half of one.

    Args:
        path: of the file; `-wal` and `-shm` lie beside it.
        limits: how much is kept.
    """

    def __init__(self, path: str, limits: Limits | None = None) -> None:
        self._path = path
        self._limits = limits or Limits()
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._buffer: deque[FactRow] = deque()
        self._lock = asyncio.Lock()
        self._dropped = 0
        self._failing = ""
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._until_prune = 0

    async def open(self) -> None:
        """Open or make the file. StoreError `cannot open store PATH: …`."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            await self._run("open", lambda _: None)
        except StoreError:
            self._thread.shutdown()
            self._thread = None
            raise

    async def close(self) -> None:
        """Write what is buffered, close the file, end the thread. StoreError when the rest could not be written."""
        if self._thread is None:
            return
        try:
            await self.flush()
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            thread, self._thread = self._thread, None
            await asyncio.get_running_loop().run_in_executor(thread, self._disconnect)
            thread.shutdown()

    async def commit(self, writes: Sequence[Write]) -> None:
        """All these, and the facts that are collected, in one transaction."""
        statements = [_statement(write) for write in writes]
        if any(write.table == "versions" for write in writes):
            statements.append(version_pruning(self._limits))
        await self._write(statements)

    def append(self, fact: FactRow) -> None:
        """Collect it; the oldest is dropped when too many wait."""
        self._buffer.append(fact)
        self._bound()
        if self._task is not None or self._thread is None:
            return
        if len(self._buffer) >= BATCH and not self._failing:
            self._write_soon()
        elif self._timer is None:
            self._arm()

    async def flush(self) -> None:
        """Return when all that was appended before is written."""
        if self._buffer or self._lock.locked():
            await self._write([])

    def health(self) -> Health:
        """How writing goes."""
        return Health(self._failing, len(self._buffer), self._dropped)

    async def versions(self, last: int = 100) -> list[Version]:
        """The newest so many, oldest first, without their content."""
        rows = await self._read(f"{_VERSIONS} ORDER BY at DESC, id DESC LIMIT ?", last)
        return [Version(*row) for row in reversed(rows)]

    async def version(self, id: str) -> Version | None:
        """The one with this id, or None."""
        rows = await self._read(f"{_VERSION} WHERE id = ?", id)
        return Version(*rows[0]) if rows else None

    async def wanted(self) -> dict[str, str]:
        """All wanted states by name."""
        return dict(await self._read("SELECT name, state FROM wanted"))

    async def statuses(self) -> dict[str, str]:
        """How instances were, by name."""
        return dict(await self._read("SELECT name, status FROM statuses"))

    async def operations(self, last: int = 100, *, unfinished: bool = False) -> list[Operation]:
        """The newest so many by number, oldest first; with `unfinished` only those under way."""
        where = ' WHERE "end" = 0' if unfinished else ""
        rows = await self._read(f"{_OPERATION}{where} ORDER BY number DESC LIMIT ?", last)
        return [Operation(*row) for row in reversed(rows)]

    async def operation(self, id_or_number: str | int) -> Operation | None:
        """The one with this id or number, or None."""
        column = "id" if isinstance(id_or_number, str) else "number"
        rows = await self._read(f"{_OPERATION} WHERE {column} = ?", id_or_number)
        return Operation(*rows[0]) if rows else None

    async def last_number(self) -> int:
        """The greatest number of an operation; 0 without any."""
        return int((await self._read("SELECT coalesce(max(number), 0) FROM operations"))[0][0])

    async def facts(self, query: Query) -> list[FactRow]:
        """Those that match, oldest first; what is collected is written first."""
        await self.flush()
        text, parameters = select_facts(query)
        return [FactRow(*row) for row in reversed(await self._read(text, *parameters))]

    # In the loop's thread: what is collected, and when it is written.

    def _arm(self) -> None:
        # Jitter keeps nothing apart here, but the sequence is the one that all of us use.
        wait = _RETRY.delay(self._failures, KernelRandom()) if self._failing else COLLECT
        self._timer = asyncio.get_running_loop().call_later(wait, self._write_soon)

    def _write_soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None and self._buffer and self._thread is not None:
            self._task = asyncio.get_running_loop().create_task(self._write_collected(), name="store")

    async def _write_collected(self) -> None:
        try:
            await self._write([])
        except StoreError:
            # Nobody awaited it: `_write` logged it, `health` tells it, and it is tried again.
            return
        finally:
            self._task = None
            if self._buffer and self._timer is None and self._thread is not None:
                self._arm()

    async def _write(self, statements: list[Statement]) -> None:
        async with self._lock:
            facts = list(self._buffer)
            self._buffer.clear()
            written = [*statements, *((_PUT["facts"], fact) for fact in facts)]
            self._until_prune -= len(written)
            if self._until_prune <= 0:
                self._until_prune = _PRUNE_EVERY
                written += prunings(self._limits)
            try:
                await self._run("write to", lambda connection: _do(connection, written))
            except BaseException as error:
                # Facts may have been written even so (a wait that was cancelled): putting one twice changes nothing.
                self._buffer.extendleft(reversed(facts))
                self._bound()
                if isinstance(error, StoreError):
                    self._failed(error)
                raise
            if self._failing:
                _log.info("writing works again", store=self._path, dropped=self._dropped)
            self._failing, self._failures = "", 0

    def _bound(self) -> None:
        while len(self._buffer) > MOST_BUFFERED:
            self._buffer.popleft()
            if self._dropped == 0:
                _log.error("facts are lost: too many wait for the store", store=self._path, why=self._failing)
            self._dropped += 1

    def _failed(self, error: StoreError) -> None:
        self._failures += 1
        if not self._failing:
            _log.error("writing fails", store=self._path, error=str(error))
        self._failing = str(error)
        if self._buffer and self._timer is None:
            self._arm()

    async def _read(self, text: str, *parameters: str | int) -> list[Any]:
        return await self._run("read", lambda connection: connection.execute(text, parameters).fetchall())

    async def _run(self, verb: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have the thread do it. Raises StoreError; with its timeout the work may still be done later."""
        if self._thread is None:
            msg = f"cannot {verb} store {self._path}: it is not open"
            raise StoreError(msg)
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, verb, work)
        except TimeoutError:
            msg = f"cannot {verb} store {self._path}: the disk did not answer within {_MOST_SECONDS:g}s"
            raise StoreError(msg) from None

    # In the store's thread.

    def _call(self, verb: str, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connect())
        except sqlite3.Error as error:
            # Whatever state it is in: the next call begins with a new one.
            self._disconnect()
            msg = f"cannot {verb} store {self._path}: {error}"
            raise StoreError(msg, _advice(error)) from error

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.fchmod(file, 0o600)
                finally:
                    os.close(file)
            except OSError as error:
                msg = f"cannot open store {self._path}: {errno_text(error.errno or 0)}"
                raise StoreError(msg) from error
            self._connection = connect(self._path, busy=_BUSY)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Closing rolls back what is not committed.
            connection.close()


Statement = tuple[str, Sequence[Any]]


def _statement(write: Write) -> Statement:
    match write.row:
        case None:
            return _DROP[write.table], (write.key,)
        case str() as text:
            return _PUT[write.table], (write.key, text)
        case row:
            return _PUT[write.table], row


def _do(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for text, run in groupby(statements, itemgetter(0)):
        connection.executemany(text, map(itemgetter(1), run))
    connection.execute("COMMIT")


def _advice(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return ""
    return "the file is damaged: move it away, what it held is lost"
