"""Folders of logs, and FIFOs as launches make them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.output.files import InstanceLog
from snowfox.manager.output.logs import Logs
from snowfox.manager.output.telling import Tail, tail_of
from snowfox.service.spec import Log


class Shelf:
    """A folder of logs on a disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.posix = LinuxPosix()
        self.logs = Logs(self.posix, self.folder)

    def log(self, name: str = "web@1", **limits: Any) -> InstanceLog:
        """A log; its limits."""
        found = self.logs.get(name)
        found.limits = Log(**limits)
        return found

    def tail(self, lines: int, name: str = "web@1") -> Tail:
        """Its last lines."""
        return tail_of(self.logs, name, lines)

    def close(self) -> None:
        """Let go of it."""
        self.logs.close()
        os.close(self.folder)

    def files(self, name: str = "web@1") -> dict[str, bytes]:
        """What was put aside, the oldest first, then the current one; without indexes."""
        found = {path.name: path.read_bytes() for path in (self.path / name).iterdir() if path.is_file()}
        return {key: found[key] for key in sorted(found) if not key.endswith(".index")}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """An empty one."""
    made = Shelf(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def another_shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Shelf]:
    """Makes them: for tests of many examples. Close each."""
    return lambda: Shelf(tmp_path_factory.mktemp("logs"))
