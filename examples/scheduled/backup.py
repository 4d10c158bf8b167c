"""Copies samples and report to a folder beside, named by the day."""

import os
import shutil
import time
from pathlib import Path

FOLDER = Path(os.environ.get("REPORTS", "data"))


def main() -> None:
    target = FOLDER / "backup" / time.strftime("%Y-%m-%d")
    target.mkdir(parents=True, exist_ok=True)
    found = [one for one in FOLDER.iterdir() if one.is_file()]
    for one in found:
        shutil.copy2(one, target)
    print(f"{len(found)} files are in {target}")


if __name__ == "__main__":
    main()
