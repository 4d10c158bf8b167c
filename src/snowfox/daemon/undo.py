"""A first start that was refused leaves nothing: what it made is removed again, unless something of use is in it."""

from __future__ import annotations

import os
import re
from typing import Final

from snowfox.contract.record import FOLDER as LAUNCHES
from snowfox.contract.start import HOME, LOCK, NODE_LOG, RUN, STORE
from snowfox.core.posix.api import Posix
from snowfox.daemon import stores
from snowfox.daemon.folders import LOGS, Places, remove
from snowfox.daemon.stores import Claim

REFUSED: Final = 3
"""The exit code of a node whose configuration was refused."""

_STORE: Final = ("state.db", "state.db-wal", "state.db-shm")
_LOOKED_AT: Final = 1 << 20
_OF_USE: Final = re.compile(rb'"level":"error"|"level":"warning","name":"spawner"')
"""Lines of the log: what went wrong, and what the spawner refused, which must stay on record."""


def undo(posix: Posix, places: Places, *, claim: Claim | None) -> None:
    """Remove the node's folder and what is in it, as far as a start makes it; the lock is held. Raises PosixError.

    Args:
        posix: the kernel.
        places: the folders, all made by this start.
        claim: to root's store, made by this start; None in another's node.
    """
    if (
        posix.folders.names(places.logs)
        or posix.folders.names(places.launches)
        or _is_log_of_use(posix, places)
    ):
        return
    if claim is not None:
        stores.discard(posix, claim)
    for name in (STORE, *_STORE):
        remove(posix, name, folder=places.home)
    posix.folders.remove(LAUNCHES, folder=places.run, is_folder=True)
    for name in (RUN, LOGS):
        posix.folders.remove(name, folder=places.home, is_folder=True)
    # The lock last: whoever waits for it sees that its file is gone, and begins anew.
    for name in (NODE_LOG, LOCK):
        remove(posix, name, folder=places.home)
    posix.folders.remove(HOME, folder=places.project, is_folder=True)


def _is_log_of_use(posix: Posix, places: Places) -> bool:
    opened = posix.files.open(NODE_LOG, os.O_RDONLY, folder=places.home)
    try:
        content = posix.files.read_at(opened, _LOOKED_AT, offset=0)
    finally:
        posix.files.close(opened)
    return len(content) == _LOOKED_AT or _OF_USE.search(content) is not None
