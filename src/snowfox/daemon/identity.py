"""Whom the manager of root's node becomes: user `snowfox`, else a uid that nobody uses and that stays the same.

The uid is the owner of the node's store where there is one; else it is chosen by the store's name, so that two nodes of
a host hardly ever meet, and never shared with another node's manager or with a service (`values.MANAGER_UIDS`).
"""

from __future__ import annotations

import errno
from typing import Final

from snowfox.core.posix.api import Ids, Posix
from snowfox.errors import HostError, PosixError
from snowfox.values import MANAGER_UIDS

NAME: Final = "snowfox"


def manager_ids(posix: Posix, store: str) -> Ids:
    """The user, group and groups of the manager. Raises HostError when no uid is left.

    Args:
        posix: the kernel.
        store: path of the folder of the node's store, `.../projects/DIGEST`, which may not exist yet.
    """
    user = posix.users.by_name(NAME)
    if user is not None and user.uid != 0:
        return Ids(user.uid, user.gid, (user.gid,))
    owner = _owner(posix, store)
    if owner is not None and owner in MANAGER_UIDS:
        return Ids(owner, owner, (owner,))
    taken = _others(posix, store)
    count = len(MANAGER_UIDS)
    start = int.from_bytes(store.encode("utf-8", "surrogateescape")[-16:], "big") % count
    for step in range(count):
        uid = MANAGER_UIDS[(start + step) % count]
        if uid not in taken and posix.users.by_uid(uid) is None:
            return Ids(uid, uid, (uid,))
    msg = f"cannot start the manager: no unused uid in {MANAGER_UIDS[0]}-{MANAGER_UIDS[-1]}"
    raise HostError(msg, f"make a user named {NAME}")


def _owner(posix: Posix, path: str) -> int | None:
    try:
        return posix.files.stat(path).uid
    except PosixError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return None
        raise


def _others(posix: Posix, store: str) -> set[int]:
    """Owners of the stores of other nodes."""
    parent = store.rpartition("/")[0]
    try:
        names = posix.folders.names(parent)
    except PosixError as error:
        if error.errno == errno.ENOENT:
            return set()
        raise
    owners = {_owner(posix, f"{parent}/{name}") for name in names}
    return {owner for owner in owners if owner is not None}
