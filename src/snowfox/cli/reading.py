"""Reading a configuration for a command: a path or a point in the history of a repository, as a person names it."""

from __future__ import annotations

from snowfox.cli.place import Place
from snowfox.core.config.source import Sources
from snowfox.core.posix.api import Posix
from snowfox.service.configuration import NAMES


def read(where: Place, *, posix: Posix) -> Sources:
    """All files of it, in a repository by git. Raises ConfigurationRefused."""
    if where.ref:
        from snowfox.cli.git import read as read_git  # noqa: PLC0415 - seldom

        return read_git(where.path, where.ref, names=NAMES, shown=where.shown, further=_needed)
    from snowfox.core.config.sources.folder import read as read_files  # noqa: PLC0415 - one of the two is needed

    return read_files(where.path, names=NAMES, posix=posix, shown=where.shown, further=_needed)


def _needed(sources: Sources) -> list[str]:
    if not any("environment-files" in file.text for file in sources.files):
        return []
    from snowfox.service.environment_files import needed  # noqa: PLC0415 - it parses: seldom

    return needed(sources)
