"""What a process told of itself on NOTIFY_SOCKET, as far as it is shown: the words of sd_notify(3)."""

from __future__ import annotations

import errno
import os
from typing import Final

from snowfox.core.named import NamedTuple


class Said(NamedTuple):
    """The last of each.

    Args:
        status: STATUS, one line; "" where it said none.
        error: ERRNO; 0 where it said none.
        is_reloading: RELOADING, and not READY since.
        since: MONOTONIC_USEC that came with that: when it began, by its own clock; 0 where it said none.
        is_stopping: STOPPING.
    """

    status: str = ""
    error: int = 0
    is_reloading: bool = False
    since: int = 0
    is_stopping: bool = False

    def words(self) -> str:
        """`reloading: 3 of 4 pools`; may be ""."""
        what = "stopping by itself" if self.is_stopping else "reloading" if self.is_reloading else ""
        return ": ".join(part for part in (what, self.status) if part)

    def with_error(self, reason: str) -> str:
        """A reason for an end, and what it said was wrong: `exit 1 after 2 s; it said ENOENT: no such file …`."""
        if not self.error:
            return reason
        name = errno.errorcode.get(self.error, str(self.error))
        return f"{reason}; it said {name}: {os.strerror(self.error).lower()}"


SILENT: Final = Said()
