"""Control groups."""

from __future__ import annotations

from typing import Final

from snowfox.core.posix.api import Posix

MEMORY: Final = "memory"
CPU: Final = "cpu"
PROCESSES: Final = "pids"
IO: Final = "io"


class Groups:
    """Control groups.

    Args:
        posix: the kernel.
    """

    def __init__(self, posix: Posix) -> None:
        self._posix = posix

    def lacks(self, controller: str) -> str:
        """Why no group bounds this; "" where one does."""
        return f"no {controller}"
