"""Files with which the kernel tells and is told of processes and control groups: short texts, whole at a time."""

from __future__ import annotations

import os

from snowfox.core.posix import kernel_file
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError


class ControlFiles:
    """Reads and writes them.

    Args:
        posix: the kernel.
    """

    def __init__(self, posix: Posix) -> None:
        self._posix = posix

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder at this path."""
        try:
            return self._posix.files.stat(path).mode & 0o170000 == 0o040000
        except PosixError:
            return False

    def names(self, folder: str) -> list[str]:
        """What is in a folder; [] where there is none."""
        try:
            return self._posix.folders.names(folder)
        except PosixError:
            return []

    def numbers(self, file: str) -> list[int]:
        """The numbers that a file holds; [] where there is none."""
        return [int(word) for word in self.content(file).split() if word.isdigit()]

    def content(self, file: str) -> str:
        """All of a file of the kernel's; "" where there is none."""
        return kernel_file.content(self._posix, file).decode("utf-8", "surrogateescape")

    def write(self, file: str, text: str) -> None:
        """Put a text into a file that is there. Raises PosixError."""
        opened = self._posix.files.open(file, os.O_WRONLY)
        try:
            self._posix.files.write(opened, text.encode())
        except PosixError as error:
            raise PosixError("write", file, error.errno) from error
        finally:
            self._posix.files.close(opened)
