"""Packs the shop's orders, the oldest first."""

import os
import signal
import sqlite3
import threading
from pathlib import Path
from types import FrameType

FILE = Path(os.environ.get("SHOP_DATA", "data")) / "shop.db"
EVERY = 0.5

stopping = threading.Event()


def stop(_number: int, _frame: FrameType | None) -> None:
    stopping.set()


def pack(store: sqlite3.Connection) -> str | None:
    """Pack one order; what was in it, or None when there is none."""
    with store:
        found = store.execute(
            "SELECT id, item FROM orders WHERE state = 'new' ORDER BY id LIMIT 1"
        ).fetchone()
        if found is None:
            return None
        store.execute("UPDATE orders SET state = 'packed' WHERE id = ?", found[:1])
    return f"order {found[0]}: {found[1]}"


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    store = sqlite3.connect(FILE, timeout=10)
    print("waiting for orders", flush=True)
    while not stopping.is_set():
        packed = pack(store)
        if packed is None:
            stopping.wait(EVERY)
        else:
            print(f"packed {packed}", flush=True)
    store.close()


if __name__ == "__main__":
    main()
