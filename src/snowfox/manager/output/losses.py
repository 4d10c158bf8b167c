"""What was not kept of output, and why; counted from any thread."""

from __future__ import annotations

from threading import Lock
from typing import Final

from snowfox.core.named import NamedTuple

MOST: Final = 100
"""Logs whose losses are told of; those that lost something longest ago go first."""


class Lost(NamedTuple):
    """Output that was not kept: bytes since the manager began, and the last reason."""

    size: int
    reason: str


class Losses:
    """The counts by log."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lost: dict[str, Lost] = {}

    def add(self, name: str, size: int, reason: str) -> None:
        """So many bytes of a log were not kept."""
        with self._lock:
            before = self._lost.pop(name, None)
            self._lost[name] = Lost((before.size if before else 0) + size, reason)
            if len(self._lost) > MOST:
                del self._lost[next(iter(self._lost))]

    def all(self) -> dict[str, Lost]:
        """As they are now."""
        with self._lock:
            return dict(self._lost)
