"""Makes the tables of the site, where they are not there yet."""

import os
import sqlite3
from pathlib import Path

FILE = Path(os.environ.get("SITE_DATA", "data")) / "site.db"


def main() -> None:
    FILE.parent.mkdir(exist_ok=True)
    store = sqlite3.connect(FILE, timeout=10)
    with store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute(
            "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, text TEXT NOT NULL, worker TEXT, result TEXT)"
        )
    store.close()
    print("tables are there")


if __name__ == "__main__":
    main()
