"""Where the PATH of a command leads. Without what reads a configuration: `snowfox up` starts a daemon before it loads that."""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH100, PTH112, PTH120

from __future__ import annotations

import os
from typing import Final

from snowfox.core.named import NamedTuple

PATH: Final = "a configuration, its folder, or git:FOLDER@REF; default: here"
"""What a command says of its PATH."""

_GIT: Final = "git:"


class Place(NamedTuple):
    """Where a configuration is.

    Args:
        path: of a file or folder, or of a repository; absolute.
        ref: branch, tag or commit; "" for files.
        shown: as it was written; "" where it is here.
    """

    path: str
    ref: str
    shown: str

    @property
    def folder(self) -> str:
        """The folder of the configuration."""
        return self.path if self.ref or os.path.isdir(self.path) else os.path.dirname(self.path)


def place(path: str | None, *, here: str = ".") -> Place:
    """Where a PATH of the command line leads. Raises ConfigurationRefused for `git:` without a branch, tag or commit.

    Args:
        path: as it was written; None for none.
        here: the folder without one.
    """
    if path is None or not path.startswith(_GIT):
        return Place(os.path.abspath(path or here), "", path or "")
    from snowfox.core.config.sources.git import parse  # noqa: PLC0415 - seldom

    folder, ref = parse(path)
    return Place(os.path.abspath(folder), ref, path)
