"""The node's folders and files, made and opened by descriptor.

The project may belong to somebody else than whoever runs the node, who could swap a folder for a link at any time. So
each folder is opened once, below the one before, without following a link, and must belong to us; from then on only
its descriptor is used.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from snowfox.contract.record import FOLDER as LAUNCHES
from snowfox.contract.start import HOME, RUN
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import HostError, PosixError

NOTIFY: Final = "notify"
"""In the run folder: what tells the address of readiness from others."""


LOGS: Final = "logs"
"""In the node's folder: what services print."""

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Places(NamedTuple):
    """Descriptors of the node's folders."""

    project: int
    home: int
    run: int
    launches: int
    logs: int


def open_home(posix: Posix, project: str) -> tuple[int, int]:
    """Descriptors of the project's folder and of its `.snowfox`, which is made where it is missing.

    Raises PosixError with the full path; HostError when `.snowfox` belongs to another user.
    """
    folder = posix.files.open(project, _FOLDER_FLAGS)
    try:
        return folder, own_folder(posix, HOME, folder=folder, path=f"{project}/{HOME}")
    except BaseException:
        posix.files.close(folder)
        raise


def open_places(posix: Posix, project: int, home: int, *, path: str, owner: int) -> Places:
    """The folders inside `.snowfox`.

    Args:
        posix: the kernel.
        project: the project's folder.
        home: its `.snowfox`.
        path: of `home`, for messages.
        owner: uid of the manager, which gets `logs`.
    """
    run = own_folder(posix, RUN, folder=home, path=f"{path}/{RUN}")
    launches = own_folder(posix, LAUNCHES, folder=run, path=f"{path}/run/{LAUNCHES}")
    logs = own_folder(posix, LOGS, folder=home, path=f"{path}/{LOGS}", owner=owner)
    return Places(project, home, run, launches, logs)


def own_folder(posix: Posix, name: str, *, folder: int, path: str, owner: int | None = None) -> int:
    """Open a folder of ours, made with mode 0700 where it is missing.

    Args:
        posix: the kernel.
        name: in `folder`.
        folder: an open folder.
        path: the whole path, for messages.
        owner: who is to own it; None: we.

    Raises HostError when it belongs to neither, PosixError.
    """
    us = posix.own.ids().uid
    wanted = us if owner is None else owner
    try:
        try:
            posix.folders.make(name, 0o700, folder=folder)
        except PosixError as error:
            if error.errno != errno.EEXIST:
                raise
        opened = posix.files.open(name, _FOLDER_FLAGS, folder=folder)
    except PosixError as error:
        raise PosixError(error.call, path, error.errno) from error
    try:
        found = posix.files.stat(opened)
        _refuse_other_owner(found.uid, us, wanted, path)
        if stat.S_IMODE(found.mode) != 0o700:
            posix.folders.mode(opened, 0o700)
        if found.uid != wanted:
            posix.folders.own(opened, wanted, -1)
    except BaseException:
        posix.files.close(opened)
        raise
    return opened


def _refuse_other_owner(found: int, us: int, wanted: int, path: str) -> None:
    if found not in {us, wanted}:
        msg = f"cannot use {path}: it belongs to uid {found}, not to uid {wanted}"
        raise HostError(msg, "a node is always run by the same user; remove the folder to begin anew")


def remove(posix: Posix, name: str, *, folder: int) -> None:
    """Unlink a file; one that is not there is fine."""
    try:
        posix.folders.remove(name, folder=folder)
    except PosixError as error:
        if error.errno != errno.ENOENT:
            raise


def read_small(posix: Posix, name: str, *, folder: int) -> str:
    """The content of a small file of ours; "" when it is not there."""
    try:
        opened = posix.files.open(name, _FILE_FLAGS, folder=folder)
    except PosixError as error:
        if error.errno == errno.ENOENT:
            return ""
        raise
    try:
        return (posix.files.read(opened, 4096) or b"").decode("ascii", "replace")
    finally:
        posix.files.close(opened)


def write_small(posix: Posix, name: str, text: str, *, folder: int) -> None:
    """Replace the content of a small file of ours; who reads it meanwhile sees the old or the new."""
    beside = f"{name}.new"
    remove(posix, beside, folder=folder)
    opened = posix.files.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600, folder=folder)
    try:
        posix.files.write(opened, text.encode())
    finally:
        posix.files.close(opened)
    posix.folders.rename(beside, name, folder=folder)
