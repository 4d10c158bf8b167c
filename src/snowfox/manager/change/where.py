"""Which file, or which point of its repository, of the node's folder a person means."""

from __future__ import annotations

from os.path import normpath, split
from typing import Final

from snowfox.contract.start import GIT
from snowfox.core.config.source import Sources
from snowfox.core.config.sources.git import parse
from snowfox.errors import ConfigurationRefused
from snowfox.service.configuration import NAMES

_MAIN: Final = (*([NAMES.tree.main] if NAMES.tree is not None else []), *NAMES.main)


def origin(sources: Sources) -> str:
    """What was read for these: a file of the node's folder, or `git:REF`."""
    return f"{GIT}{sources.name}" if sources.commit else sources.main.name


def name_of(source: str, *, root: str, configuration: str) -> str:
    """What to read: a file of the node's folder, or `git:REF`; "": the main file of the folder, whichever it is.

    Args:
        source: an absolute path, or `git:PATH@REF` with one.
        root: the node's folder.
        configuration: what the node was started with.

    Raises ConfigurationRefused when it is in another folder or no main file, or for `git:` without a point.
    """
    if source.startswith(GIT):
        folder, ref = parse(source)
        if normpath(folder) == root:
            return f"{GIT}{ref}"
    elif normpath(source) == root:
        return ""
    else:
        folder, name = split(normpath(source))
        if folder == root and name in {configuration, *_MAIN}:
            return name
        below = normpath(source).removeprefix(root.rstrip("/") + "/")
        if folder == root or (NAMES.tree is not None and NAMES.tree.takes(below)):
            msg = f"cannot read {source}: a node reads {', '.join(_MAIN)} of its folder, or what it was started with"
            raise ConfigurationRefused(msg, f"this one was started with {configuration}", [])
    msg = f"cannot read {source}: this node is that of {root}"
    raise ConfigurationRefused(msg, "snowfox --node names another node", [])
