"""Sums up what was sampled. Exit 1 without samples: then the schedule says `failed` until a run went well."""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("REPORTS", "data"))


def main() -> None:
    samples = FOLDER / "samples"
    if not samples.exists():
        raise SystemExit("there are no samples yet")
    loads = [float(line.split()[1]) for line in samples.read_text().splitlines()]
    text = f"{len(loads)} samples, load {sum(loads) / len(loads):.2f} on average, {max(loads):.2f} at most\n"
    (FOLDER / "report.txt").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
