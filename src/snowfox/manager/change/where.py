"""Which file, or which point of its repository, of the node's folder a person means."""

from __future__ import annotations

from os.path import normpath, split

from snowfox.contract.start import GIT
from snowfox.core.config.sources.git import parse
from snowfox.errors import ConfigurationRefused


def name_of(source: str, *, root: str, configuration: str) -> str:
    """What to read: a file of the node's folder, or `git:REF`.

    Args:
        source: an absolute path, `git:PATH@REF` with one, or "" for what the node was started with.
        root: the node's folder.
        configuration: what it was started with.

    Raises ConfigurationRefused when it is in another folder, or for `git:` without a point.
    """
    if not source:
        return configuration
    if source.startswith(GIT):
        folder, ref = parse(source)
        if normpath(folder) == root:
            return f"{GIT}{ref}"
    elif normpath(source) == root:
        return configuration
    else:
        folder, name = split(normpath(source))
        if folder == root:
            return name
    msg = f"cannot read {source}: this node is that of {root}"
    raise ConfigurationRefused(msg, "snowfox --node names another node", [])
