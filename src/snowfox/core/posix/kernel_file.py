"""Files in which the kernel tells something, of /proc and /sys: read whole, and as good as empty where they cannot be."""

from __future__ import annotations

import os
from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

_CHUNK: Final = 64 << 10


def content(posix: Posix, path: str, *, most: int | None = None) -> bytes:
    """All of it, or once there are `most` bytes no more; b"" where it is not there (any more), or not ours to know."""
    return _read(posix, path, _CHUNK, most)


def line(posix: Posix, path: str, *, most: int = 4096) -> bytes:
    """What one read of `most` bytes gives, for files of a line; b"" as of `content`."""
    return _read(posix, path, most, 1)


def _read(posix: Posix, path: str, chunk: int, most: int | None) -> bytes:
    try:
        opened = posix.files.open(path, os.O_RDONLY)
    except PosixError:
        return b""
    found = b""
    try:
        while (most is None or len(found) < most) and (more := posix.files.read(opened, chunk)):
            found += more
    except PosixError:
        return b""
    finally:
        posix.files.close(opened)
    return found
