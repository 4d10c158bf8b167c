"""The control groups that a node has on this host."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TOP = Path("/sys/fs/cgroup")


def places(run: Path) -> list[Path]:
    """The folders of a node, in all hierarchies, by its run folder; [] where that is gone."""
    if not run.exists():
        return []
    found = run.stat()
    name = f"snowfox-{found.st_dev:x}-{found.st_ino:x}"
    return [Path(folder, name) for folder, names, _ in os.walk(TOP) if name in names]


def remove(run: Path) -> None:
    """Remove them with all groups in them, as far as there is no process in those."""
    for place in places(run):
        for folder, _, _ in os.walk(place, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106 - pathlib's does the same
