"""The SQLite store: its file, batches, failures."""

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from snowfox.core.store import schema, sqlite
from snowfox.core.store.api import FactRow, Limits, Query, Version
from snowfox.core.store.schema import APPLICATION, VERSION, prunings, select_facts
from snowfox.core.store.sqlite import SqliteStore
from snowfox.errors import StoreError


@pytest.fixture
def path(tmp_path):
    """Where the store's file is."""
    return tmp_path / "state.db"


@pytest.fixture
async def store(path):
    """An open store."""
    async with SqliteStore(str(path)) as store:
        yield store


def fact(number):
    """A fact, later with a higher number."""
    return FactRow(f"id{number:06}", 1000 + number, "k", "s", "t", "", "{}")


def count(path):
    """How many facts the file has, seen by another connection."""
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT count(*) FROM facts").fetchone()[0]
    connection.close()
    return found


class Full:
    """A disk on which no file may grow beyond what it has; ends with `end`."""

    def __init__(self, path):
        largest = max(file.stat().st_size for file in path.parent.iterdir())
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, self.before[1]))

    def end(self):
        """There is room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


async def fill(store):
    """Write three megabytes."""
    async with store.transaction() as change:
        change.put_version(Version("big", 1, "f", b"x" * 3_000_000))


async def test_file_is_private(path, store):
    """The file and those beside it belong to us alone, whatever the umask; an open one is closed to others."""
    async with store.transaction() as change:
        change.put_wanted("a", "b")
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    await store.close()
    path.chmod(0o666)
    async with SqliteStore(str(path)):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_settings(path, store):
    """WAL, a small cache, and a file that says whose it is and which schema it has."""
    settings = await store._run(
        "read",
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "cache_size", "application_id", "user_version")
        ],
    )
    assert settings == ["wal", 1, 256, APPLICATION, VERSION]


async def test_facts_are_batched(clock, path):
    """Facts wait up to 50 ms for one another and are then written without anybody asking."""
    async with SqliteStore(str(path)) as store:
        for number in range(10):
            store.append(fact(number))
        assert store.health().buffered == 10
        await clock.advance("40ms")
        assert count(path) == 0
        await clock.advance("10ms")
        assert count(path) == 10
        assert store.health().buffered == 0


async def test_many_facts_do_not_wait(clock, path):
    """A full batch is written at once."""
    async with SqliteStore(str(path)) as store:
        for number in range(sqlite.BATCH):
            store.append(fact(number))
        await clock.settle()
        assert count(path) == sqlite.BATCH


async def test_commit_takes_facts_along(clock, path):
    """A transaction writes what is collected with it."""
    async with SqliteStore(str(path)) as store:
        store.append(fact(1))
        async with store.transaction() as change:
            change.put_wanted("a", "b")
        assert count(path) == 1


async def test_failing_disk_and_recovery(clock, path):
    """A full disk: who awaits gets StoreError and nothing is half written; facts wait and are written once it has room."""
    async with SqliteStore(str(path)) as store:
        async with store.transaction() as change:
            change.put_wanted("web", "stopped")
        disk = Full(path)
        try:
            with pytest.raises(StoreError, match=f"cannot write to store {path}: "):
                async with store.transaction() as change:
                    change.put_wanted("web", "started")
                    change.put_version(Version("big", 1, "f", b"x" * 3_000_000))
            store.append(fact(1)._replace(fact="x" * 3_000_000))
            await clock.advance("100ms")
            assert store.health().buffered == 1
            assert store.health().failing.startswith("cannot write to store")
            assert await store.wanted() == {"web": "stopped"}
        finally:
            disk.end()
        await clock.advance("10s")
        assert store.health() == ("", 0, 0)
        assert count(path) == 1
        await fill(store)
        assert await store.version("big") is not None


async def test_buffer_is_bounded(clock, path, monkeypatch):
    """While writing fails the oldest facts beyond the bound are dropped and counted."""
    monkeypatch.setattr(sqlite, "MOST_BUFFERED", 20)
    async with SqliteStore(str(path)) as store:
        disk = Full(path)
        try:
            for number in range(30):
                store.append(fact(number)._replace(fact="x" * 300_000))
            await clock.advance("1s")
            for number in range(30, 35):
                store.append(fact(number))
            assert store.health().buffered == 20
            assert store.health().dropped == 15
        finally:
            disk.end()
        await clock.advance("10s")
        assert [row.id for row in await store.facts(Query())] == [fact(number).id for number in range(15, 35)]


async def test_a_file_of_the_first_schema(path):
    """Becomes one of today; its versions have nothing of what was not written down then."""
    with sqlite3.connect(path) as connection:
        for statement in schema._STEPS[0].split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO versions VALUES ('a', 1, 'snowfox.toml', x'00')")
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    async with SqliteStore(str(path)) as store:
        assert await store.version("a") == Version("a", 1, "snowfox.toml", b"\0", "", "", 0)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()


async def test_newer_file_is_refused(path):
    """A file of a newer schema is refused with both versions, and not touched."""
    async with SqliteStore(str(path)):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match=rf"cannot open store {path}: a newer snowfox wrote it \(schema {VERSION + 1}"
    ):
        await SqliteStore(str(path)).open()
    assert path.read_bytes() == before


async def test_foreign_database_is_refused(path):
    """Another program's database is refused and not touched."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(StoreError, match="database of another program"):
        await SqliteStore(str(path)).open()


@pytest.mark.parametrize("content", [b"not a database at all" * 200, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_damaged_file_is_refused(path, content):
    """A file that is no database is refused with its path and what to do."""
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"cannot open store {path}: ") as caught:
        await SqliteStore(str(path)).open()
    assert "move it away" in caught.value.hint
    assert path.read_bytes() == content


async def test_damage_inside_is_told(path):
    """A file whose inside is damaged fails with StoreError when it is read, not with a foreign error."""
    async with SqliteStore(str(path)) as store:
        for number in range(3000):
            store.append(fact(number))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xaa" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"store {path}: "):
        async with SqliteStore(str(path)) as store:
            await store.facts(Query(last=5000))


async def test_missing_folder_is_told(tmp_path):
    """A folder that is not there is named with its errno."""
    path = tmp_path / "gone" / "state.db"
    with pytest.raises(StoreError, match=f"cannot open store {path}: no such file or directory \\(ENOENT\\)"):
        await SqliteStore(str(path)).open()


async def test_folder_in_place_of_the_file(path):
    """A folder with the file's name is refused as well."""
    path.mkdir()
    with pytest.raises(StoreError, match=f"cannot open store {path}: "):
        await SqliteStore(str(path)).open()


async def test_refused_open_can_be_repeated(path):
    """After a refused open the same store opens once the reason is gone."""
    store = SqliteStore(str(path))
    path.write_bytes(b"x" * 1000)
    with pytest.raises(StoreError):
        await store.open()
    path.unlink()
    async with store:
        assert await store.wanted() == {}


async def test_cancelled_commit_loses_no_facts(path):
    """A commit whose waiter is cancelled gives collected facts back; writing them twice changes nothing."""
    async with SqliteStore(str(path)) as store:
        store.append(fact(1))
        task = asyncio.create_task(fill(store))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.facts(Query()) == [fact(1)]


async def test_commits_at_once(path):
    """Many commits at the same time are all done, each as a whole."""
    async with SqliteStore(str(path)) as store:

        async def one(number):
            async with store.transaction() as change:
                change.put_wanted(f"a{number}", str(number))
                change.put_status(f"a{number}", str(number))

        await asyncio.gather(*(one(number) for number in range(50)))
        assert len(await store.wanted()) == 50
        assert await store.wanted() == await store.statuses()


def test_survives_a_killed_process(path):
    """What was awaited before a SIGKILL is there afterwards."""
    code = f"""
import asyncio, os, signal
from snowfox.core.store.sqlite import SqliteStore
async def main():
    store = SqliteStore({str(path)!r})
    await store.open()
    async with store.transaction() as change:
        change.put_wanted("web", "stopped")
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    source = str(Path(sqlite.__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": source}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert ended.returncode == -9

    async def read():
        async with SqliteStore(str(path)) as store:
            return await store.wanted()

    assert asyncio.run(read()) == {"web": "stopped"}


async def test_queries_use_indexes(store):
    """No query of facts by time, subject, trace or id scans the whole table."""
    for query in (Query(since=5, until=9), Query(subject="a"), Query(trace="a"), Query(before="x"), Query()):
        text, parameters = select_facts(query)
        plan = await store._read(f"EXPLAIN QUERY PLAN {text}", *parameters)
        used = " ".join(row[-1] for row in plan)
        assert "USING" in used or query == Query(), used
        assert "SCAN facts" not in used or query == Query(), used


async def test_pruning_keeps_exactly_the_limit(store):
    """Pruning leaves as many facts as the limit says, the newest."""
    for number in range(20):
        store.append(fact(number))
    await store.flush()
    await store._write(list(prunings(Limits(facts=5))))
    assert [row.id for row in await store.facts(Query())] == [fact(number).id for number in range(15, 20)]
