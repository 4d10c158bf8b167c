"""Where a new configuration is to come from, as the node is asked for it: a path, or a point of a repository's history.

The node reads it, so nothing is opened here: a path becomes absolute and loses its links, as the node's own has none.
"""

# pathlib costs 5 ms of import in every command.
# ruff: noqa: PTH116

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from snowfox.errors import ConfigurationRefused, errno_text

if TYPE_CHECKING:
    import argparse

GIT: Final = "git:"
HEAD: Final = "HEAD"
"""What is meant where a repository is named without branch, tag or commit."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare PATH."""
    parser.add_argument(
        "path",
        nargs="?",
        default=None,
        metavar="PATH",
        help="file, folder or git:PATH@REF; default: where the version in force came from",
    )


def found(path: str | None) -> str:
    """As `given`. Raises ConfigurationRefused for a path where nothing is: the node may not be able to see that."""
    try:
        if path is not None and not path.startswith(GIT):
            os.stat(path or ".")
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"cannot read {path}: {errno_text(error.errno)}"
        raise ConfigurationRefused(msg, "", []) from error
    except OSError:  # the node may reach it all the same
        pass
    return given(path)


def given(path: str | None) -> str:
    """What the node is asked for: "" without PATH, else a PATH that is absolute, perhaps in `git:PATH@REF`.

    An `@` before `{` belongs to the REF (`main@{yesterday}`), so the last other one divides. A PATH that is left out
    is the folder here.
    """
    if path is None:
        return ""
    if not path.startswith(GIT):
        return os.path.realpath(path)
    text = path.removeprefix(GIT)
    at = text.rfind("@")
    while at >= 0 and text.startswith("@{", at):
        at = text.rfind("@", 0, at)
    folder, ref = (text, HEAD) if at < 0 else (text[:at], text[at + 1 :])
    return f"{GIT}{os.path.realpath(folder)}@{ref}"
