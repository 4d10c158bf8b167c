"""Where the other end is: `unix:PATH`, with an open folder that PATH may be relative to."""

from __future__ import annotations

from typing import NamedTuple

from snowfox.errors import UsageError


class Endpoint(NamedTuple):
    """A place to connect to.

    Args:
        address: as `core.posix` takes it.
        folder: an open folder that a unix path is relative to, or None. It stays the caller's.
    """

    address: str
    folder: int | None = None

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Raises UsageError for anything but `unix:PATH`."""
        if not text.startswith("unix:") or len(text) == len("unix:"):
            raise UsageError(
                f'cannot connect to "{text}": not an endpoint', "for example unix:.snowfox/run/manager.sock"
            )
        return cls(text)
