"""A background worker of the site: takes the oldest job that nobody has, and does it."""

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

FILE = Path(os.environ.get("SITE_DATA", "data")) / "site.db"
EVERY = 0.2

stopping = threading.Event()


def take(store: sqlite3.Connection, worker: str) -> tuple[int, str] | None:
    """A job that is this worker's now; one that it had when it died comes first."""
    with store:
        store.execute("BEGIN IMMEDIATE")
        found = store.execute(
            "SELECT id, text FROM jobs WHERE result IS NULL AND (worker IS NULL OR worker = ?) ORDER BY id LIMIT 1",
            (worker,),
        ).fetchone()
        if found is not None:
            store.execute("UPDATE jobs SET worker = ? WHERE id = ?", (worker, found[0]))
    return found  # type: ignore[no-any-return]


def main() -> None:
    worker = sys.argv[1] if len(sys.argv) > 1 else "1"
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    store = sqlite3.connect(FILE, timeout=10, isolation_level=None)
    print(f"worker {worker} waits for jobs")
    while not stopping.is_set():
        job = take(store, worker)
        if job is None:
            stopping.wait(EVERY)
            continue
        with store:
            store.execute("UPDATE jobs SET result = ? WHERE id = ?", (job[1].upper(), job[0]))
        print(f"job {job[0]} is done")
    store.close()


if __name__ == "__main__":
    main()
