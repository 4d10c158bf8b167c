"""Writes down the load of the host."""

import os
import time
from pathlib import Path

FOLDER = Path(os.environ.get("REPORTS", "data"))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    load = os.getloadavg()[0]
    with (FOLDER / "samples").open("a") as samples:
        samples.write(f"{time.time():.0f} {load:.2f}\n")
    print(f"load {load:.2f}")


if __name__ == "__main__":
    main()
