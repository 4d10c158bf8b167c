"""The folder of a log: what its files are called, which there are, which have to go.

```text
current                       what is written now
00000017-20261125T100211Z     a file that was put aside at this time (UTC), the seventeenth
00000016-20261125T095801Z.gz  one that was compressed
*.index                       beside each: when its parts were written (`index`)
```

Numbers only grow, so a file keeps its name for ever: nobody who reads along, here or with a tool of his own, is ever
moved to another file, and putting one aside is one rename whatever `keep` is. `current.1`, `current.2` were rejected
for that.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from errno import ENOENT, ENOTDIR
from typing import Final

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

CURRENT: Final = "current"
"""The file that is written."""
INDEX: Final = ".index"
"""What the name of an index adds to that of its log."""
PACKED: Final = ".gz"
"""What the name of a compressed file adds."""
UNFINISHED: Final = ".part"
"""What the name of one that is being compressed adds."""
ERRORS: Final = "/errors"
"""What the log of a second stream adds to the name of its instance: a folder in its folder."""

_NAME: Final = re.compile(r"([0-9]{8,15})-[0-9]{8}T[0-9]{6}Z(\.gz)?\Z")


class Part(NamedTuple):
    """A file that was put aside: its number, its name without `PACKED`, whether it is compressed."""

    sequence: int
    name: str
    is_packed: bool


def put_aside(sequence: int, at: int) -> str:
    """The name of a file that is put aside at wall clock `at` (ms)."""
    return f"{sequence:08d}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(at / 1000))}"


def parts(posix: Posix, folder: int, log: str) -> list[Part]:
    """The files of a log that were put aside, the oldest first; none where there is no folder. Raises PosixError.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs.
        log: the log's name, a path below it.
    """
    found: dict[int, Part] = {}
    for name in _names(posix, folder, log):
        match = _NAME.match(name)
        if match is None:
            continue
        part = Part(int(match[1]), name.removesuffix(PACKED), match[2] is not None)
        known = found.get(part.sequence)
        if known is None or known.is_packed:  # the whole one while both are there
            found[part.sequence] = part
    return [found[sequence] for sequence in sorted(found)]


def remove(posix: Posix, folder: int, log: str, name: str) -> None:
    """Remove a file that was put aside, in whatever form it is there; one that is gone is fine."""
    for suffix in ("", PACKED, INDEX):
        with suppress(PosixError):  # it goes with the next
            posix.folders.remove(f"{log}/{name}{suffix}", folder=folder)


def logs_of(posix: Posix, folder: int, service: str) -> list[str]:
    """The names of the logs of a service's instances, of those too that it has no more. Raises PosixError."""
    names = [
        name
        for name in posix.folders.names(folder)
        if name == service or name.startswith((f"{service}@", f"{service}~"))
    ]
    return [log for name in names for log in (name, name + ERRORS)]


def fit(posix: Posix, folder: int, service: str, total: int) -> None:
    """Remove the oldest files of a service until all that it has is at most `total` bytes. Raises PosixError.

    What is written now stays: its bound is the size of a file.
    """
    used = 0
    aside: list[tuple[int, str, str, int]] = []
    for log in logs_of(posix, folder, service):
        used += _size(posix, folder, f"{log}/{CURRENT}") + _size(posix, folder, f"{log}/{CURRENT}{INDEX}")
        for part in parts(posix, folder, log):
            path = f"{log}/{part.name}"
            size = _size(posix, folder, path + (PACKED if part.is_packed else ""))
            size += _size(posix, folder, path + INDEX)
            used += size
            aside.append((_modified(posix, folder, path, part), log, part.name, size))
    for _, log, name, size in sorted(aside):
        if used <= total:
            return
        remove(posix, folder, log, name)
        used -= size


def _names(posix: Posix, folder: int, log: str) -> list[str]:
    try:
        descriptor = posix.files.open(log, os.O_RDONLY | os.O_DIRECTORY, folder=folder)
    except PosixError as error:
        if error.errno in {ENOENT, ENOTDIR}:
            return []
        raise
    try:
        return posix.folders.names(descriptor)
    finally:
        posix.files.close(descriptor)


def _size(posix: Posix, folder: int, path: str) -> int:
    try:
        return posix.files.stat(path, folder=folder).size
    except PosixError:
        return 0


def _modified(posix: Posix, folder: int, path: str, part: Part) -> int:
    """When a file was written last: its index tells, because compression makes the file anew."""
    for suffix in (INDEX, PACKED if part.is_packed else ""):
        try:
            return posix.files.stat(path + suffix, folder=folder).modified
        except PosixError:
            continue
    return 0
