"""Compresses a file that was put aside, in a thread that may take its time: gzip (RFC 1952), as zcat reads it."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from errno import ENOENT
from typing import Final

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output.shelf import PACKED, UNFINISHED

_BLOCK: Final = 256 << 10
_GZIP: Final = 31
_LEVEL: Final = 6


def pack(posix: Posix, folder: int, log: str, name: str) -> None:
    """Put `name.gz` in the place of a file of a log; one that is gone meanwhile is fine. Raises PosixError.

    The one is there before the other goes, so that whoever reads finds at least one of both.
    """
    path = f"{log}/{name}"
    files = posix.files
    try:
        source = files.open(path, os.O_RDONLY, folder=folder)
    except PosixError as error:
        if error.errno == ENOENT:
            return
        raise
    unfinished = path + PACKED + UNFINISHED
    try:
        target = files.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o640, folder=folder)
        try:
            _copy(posix, source, target)
        finally:
            files.close(target)
        posix.folders.rename(unfinished, path + PACKED, folder=folder)
        posix.folders.remove(path, folder=folder)  # ENOENT: it was removed meanwhile, so this goes too
    except PosixError as error:
        for leftover in (unfinished, path + PACKED) if error.errno == ENOENT else (unfinished,):
            with suppress(PosixError):
                posix.folders.remove(leftover, folder=folder)
        if error.errno != ENOENT:
            raise
    finally:
        files.close(source)


def _copy(posix: Posix, source: int, target: int) -> None:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    offset = 0
    while block := posix.files.read_at(source, _BLOCK, offset=offset):
        offset += len(block)
        _write(posix, target, packer.compress(block))
    _write(posix, target, packer.flush())


def _write(posix: Posix, target: int, data: bytes) -> None:
    while data:
        data = data[posix.files.write(target, data) or 0 :]
