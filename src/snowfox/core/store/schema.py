"""The tables of the SQLite store, and how an older file becomes one of today."""

from __future__ import annotations

import sqlite3
from typing import Final

from snowfox.core.store.api import Limits, Query
from snowfox.errors import StoreError

APPLICATION: Final = 0x534E4658
"""`SNFX`, in the file's header (SQLite's application_id), so that another program's file is not taken for ours."""

_STEPS: Final = (
    """
    CREATE TABLE versions (id TEXT PRIMARY KEY, at INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL);
    CREATE INDEX versions_at ON versions (at, id);
    CREATE TABLE wanted (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE statuses (name TEXT PRIMARY KEY, status TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE operations (
        id TEXT PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,
        "end" INTEGER NOT NULL, state TEXT NOT NULL, json TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX operations_number ON operations (number);
    CREATE TABLE facts (
        id TEXT PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, trace TEXT NOT NULL,
        cause TEXT NOT NULL, fact TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX facts_at ON facts (at);
    CREATE INDEX facts_subject ON facts (subject);
    CREATE INDEX facts_trace ON facts (trace);
    """,
    """
    ALTER TABLE versions ADD COLUMN "commit" TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN who TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN operation INTEGER NOT NULL DEFAULT 0;
    """,
)
VERSION: Final = len(_STEPS)
"""The schema's version (SQLite's user_version): how many steps were done."""


def connect(path: str, *, busy: float) -> sqlite3.Connection:
    """An open connection with the tables of today.

    Args:
        path: absolute; made when missing.
        busy: seconds to wait for another process's lock.

    Raises StoreError for a newer file or one of another program, sqlite3.Error for a damaged one.
    """
    # Transactions are begun and ended by us: isolation_level None.
    connection = sqlite3.connect(path, timeout=busy, isolation_level=None)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    version = _pragma(connection, "user_version")
    application = _pragma(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (tables or version) and application != APPLICATION:
        msg = f"cannot open store {path}: it is a database of another program"
        raise StoreError(msg, "move it away")
    if version > VERSION:
        msg = (
            f"cannot open store {path}: a newer snowfox wrote it (schema {version}, this one knows {VERSION})"
        )
        raise StoreError(msg, "use the newer snowfox, or move the file away")
    # WAL with NORMAL: a commit survives the end of the process; only a power cut may take the last ones, never a half.
    connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=256")
    connection.execute("PRAGMA wal_autocheckpoint=500")
    connection.execute("PRAGMA journal_size_limit=4194304")
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def select_facts(query: Query) -> tuple[str, list[str | int]]:
    """The statement and its parameters for a query: the newest that match, newest first."""
    conditions: list[str] = []
    parameters: list[str | int] = []
    for condition, value in (
        ("at >= ?", query.since or None),
        ("at < ?", query.until),
        ("subject = ?", query.subject),
        ("trace = ?", query.trace),
        ("kind = ?", query.kind),
        ("id < ?", query.before),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    # The conditions are the literals above.
    where = " AND ".join(conditions)
    text = (
        f"SELECT id, at, kind, subject, trace, cause, fact FROM facts WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
    )
    return text, [*parameters, max(query.last, 0)]


def prunings(limits: Limits) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Statements that remove what is beyond the limits."""
    return (
        (
            "DELETE FROM facts WHERE id <= (SELECT id FROM facts ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (limits.facts,),
        ),
        (
            """
            DELETE FROM operations WHERE id IN (
                SELECT id FROM operations WHERE "end" > 0 ORDER BY number
                LIMIT max(0, (SELECT count(*) FROM operations) - ?)
            )
            """,
            (limits.operations,),
        ),
        version_pruning(limits),
    )


def version_pruning(limits: Limits) -> tuple[str, tuple[int, ...]]:
    """The one of them for versions, each of which may be large."""
    return (
        "DELETE FROM versions WHERE id IN (SELECT id FROM versions ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)",
        (limits.versions,),
    )
