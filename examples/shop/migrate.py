"""Makes the shop's tables. Can be run again."""

import os
import sqlite3
from pathlib import Path

FOLDER = Path(os.environ.get("SHOP_DATA", "data"))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    store = sqlite3.connect(FOLDER / "shop.db", timeout=10)
    store.execute("PRAGMA journal_mode = WAL")
    with store:
        store.execute(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, state TEXT NOT NULL)"
        )
    count = store.execute("SELECT count(*) FROM orders").fetchone()[0]
    store.close()
    print(f"tables are there, {count} orders", flush=True)


if __name__ == "__main__":
    main()
