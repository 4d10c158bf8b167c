"""Where a new configuration is to come from, as the node is asked for it: a path, or a point of a repository's history.

The node reads it, so nothing is opened here: a path only becomes absolute and loses its links, as the node's own has none.
"""

# pathlib costs 5 ms of import in every command.

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

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
