"""The files of the configuration, opened for the manager, which may not be able to enter the project's folder.

It gets descriptors of regular files only, each opened below the project without following a link: the main file, those
beside it, environment files, and the tree of the folder form. Nothing else of the project, and nothing outside of it,
can be had this way: the manager need not be trusted. The work of one call is bounded.
"""

from __future__ import annotations

from contextlib import closing
from errno import ENOENT
from itertools import islice
from typing import Final

from snowfox.contract.control import Seen, Source
from snowfox.contract.start import GIT, HOME, SOURCES
from snowfox.core.posix.api import Posix
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.tree import Layout, is_environment_file, open_below, open_file, stamp, walk
from snowfox.errors import NotPermitted, PosixError

TREE: Final = Layout("node.toml", "services", ".toml")
"""The folder form of a configuration."""
MOST_OPENED: Final = 100
"""Files of the tree that one call opens."""
MOST_SEEN: Final = 500
"""Files of the tree that one call looks at."""


def open_source(posix: Posix, name: str, *, folder: int, main: str) -> Source | None:
    """A file of the configuration; None when it is not there.

    Args:
        posix: the kernel.
        name: one of `SOURCES`, that of the tree's main file, `main`, or the name of an environment file.
        folder: the project's.
        main: the file that whoever started us named, or `git:REF`.

    Raises NotPermitted for other names; ConfigurationRefused for what is no regular file or cannot be opened.
    """
    is_main = name in {main, TREE.main} and "/" not in name and not name.startswith(GIT)
    is_beside = is_environment_file(name) and not name.startswith(f"{HOME}/")
    if name not in SOURCES and not is_main and not is_beside:
        msg = f"cannot open {name}: it is no file of the configuration"
        raise NotPermitted(msg, "")
    try:
        opened = open_below(posix, name, folder=folder, title=name)
    except PosixError as error:
        if error.errno == ENOENT:
            return None
        raise
    return Source(name, Descriptor(opened, posix), posix.files.stat(opened).uid)


def open_tree(posix: Posix, after: str, *, folder: int) -> list[Source]:
    """The next files of the tree, at most `MOST_OPENED`. Raises ConfigurationRefused for what does not belong there."""
    opened: list[Source] = []
    try:
        with closing(walk(posix, folder, TREE, after=after)) as entries:
            for entry in islice(entries, MOST_OPENED):
                descriptor = _opened(posix, entry.last, entry.folder, entry.name)
                if descriptor is not None:
                    opened.append(Source(entry.name, Descriptor(descriptor, posix), entry.stat.uid))
    except BaseException:
        for source in opened:
            source.file.close()
        raise
    return opened


def look_tree(posix: Posix, after: str, *, folder: int) -> list[Seen]:
    """The next files of the tree without opening them, at most `MOST_SEEN`. Raises as `open_tree`."""
    with closing(walk(posix, folder, TREE, after=after)) as entries:
        return [Seen(entry.name, *stamp(entry.stat)) for entry in islice(entries, MOST_SEEN)]


def _opened(posix: Posix, last: str, folder: int, name: str) -> int | None:
    """None when it went since the walk saw it: a second look will show that."""
    try:
        return open_file(posix, last, folder=folder, title=name)
    except PosixError as error:
        if error.errno == ENOENT:
            return None
        raise
