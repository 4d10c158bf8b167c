"""Which folder below /var/lib/snowfox/projects is the store of which node of root.

A store belongs to a `.snowfox`, not to a path: its name is random and stands in `.snowfox/store`, which goes with the
project's folder wherever that goes, and away with it. Beside each store lies a note of root's, `NAME.project`, with the
project's device and path. The daemon holds a lock on the note for its life. Both ends are needed: a `.snowfox/store`
that was copied names a store whose note leads to another project that names it too; a note that leads to no project
that names it belongs to a store that nobody will ask for again.

Such stores are removed when a node ends, so that no start waits for it. Only those are looked at whose project was on
the device of ours, which answers: another may not be mounted now, or hang.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from snowfox.contract.start import HOME, STORE, STORES
from snowfox.core.ids import KernelRandom
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix, Stat
from snowfox.daemon import folders
from snowfox.errors import HostError, PosixError

MOST: Final = 100
"""Stores looked at when a node ends; they begin at a random one, so that each has its turn."""

_NOTE: Final = ".project"
_LENGTH: Final = 32
_LONGEST: Final = 8192  # bytes of a note: a path has at most 4,096
_MOST_FILES: Final = 100  # in a store: SQLite makes four
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_log = get("daemon")


class Claim(NamedTuple):
    """A node's store.

    Args:
        folder: that of all stores, open.
        name: the store's, there; it may not exist yet.
        note: its note, open and locked.
        device: where the project is.
    """

    folder: int
    name: str
    note: int
    device: int

    @property
    def path(self) -> str:
        """Of the store's folder."""
        return f"{STORES}/{self.name}"


class _Noted(NamedTuple):
    device: int
    project: str


def claim(posix: Posix, home: int, project: str) -> Claim:
    """The store of a node, whose lock is held: the one that its `.snowfox` names, else a new name.

    Args:
        posix: the kernel.
        home: `.snowfox`.
        project: path of the project.

    Raises HostError when others than root could put another store there, PosixError.
    """
    folder = _open_stores(posix)
    noted = _Noted(posix.files.stat(home).device, project)
    name = _named(posix, home)
    note = _take(posix, folder, name, home, noted) if name else -1
    if note < 0:
        name = f"{KernelRandom().getrandbits(4 * _LENGTH):0{_LENGTH}x}"
        note = _take(posix, folder, name, home, noted)
        folders.write_small(posix, STORE, f"{name}\n", folder=home)
    return Claim(folder, name, note, noted.device)


def make(posix: Posix, claim: Claim, owner: int) -> None:
    """Make the store's folder where it is missing, 0700, the manager's. Raises PosixError, HostError."""
    posix.files.close(
        folders.own_folder(posix, claim.name, folder=claim.folder, path=claim.path, owner=owner)
    )


def discard(posix: Posix, ours: Claim) -> None:
    """Remove a node's own store and its note: nothing of use is in it. Raises PosixError."""
    _remove_store(posix, ours.folder, ours.name)
    posix.folders.remove(f"{ours.name}{_NOTE}", folder=ours.folder)


def remove_gone(posix: Posix, ours: Claim) -> None:
    """Remove stores, of at most `MOST` looked at, that no project names any more. What cannot be removed stays."""
    names = sorted(name for name in posix.folders.names(ours.folder) if name.endswith(_NOTE))
    first = KernelRandom().getrandbits(32) % max(1, len(names))
    for name in (*names[first:], *names[:first])[:MOST]:
        try:
            _remove_if_gone(posix, ours, name.removesuffix(_NOTE))
        except PosixError as error:
            _log.warning("cannot remove a store", store=name, error=str(error))


def _open_stores(posix: Posix) -> int:
    """The folder of all stores, made where it is missing: it and its parents of root, 0755."""
    folder = posix.files.open("/", _FOLDER_FLAGS)
    done = ""
    for part in STORES.strip("/").split("/"):
        done = f"{done}/{part}"
        try:
            posix.folders.make(part, 0o755, folder=folder)
        except PosixError as error:
            if error.errno != errno.EEXIST:
                raise PosixError(error.call, done, error.errno) from error
        inner = posix.files.open(part, _FOLDER_FLAGS, folder=folder)
        posix.files.close(folder)
        folder = inner
        found = posix.files.stat(folder)
        if found.uid != 0 or found.mode & 0o022:
            posix.files.close(folder)
            msg = f"cannot keep the store in {STORES}: {done} can be changed by others than root"
            raise HostError(msg, f"chown root {done}; chmod 755 {done}")
    return folder


def _take(posix: Posix, folder: int, name: str, home: int, noted: _Noted) -> int:
    """The note of a store, locked and right; -1 when the store is another node's."""
    note = posix.files.open(f"{name}{_NOTE}", os.O_RDWR | os.O_CREAT, mode=0o600, folder=folder)
    try:
        before = _read(posix, note)
        is_others = (
            before is not None
            and before != noted
            and _names(posix, before.project, name, but=posix.files.stat(home))
        )
        if not is_others and posix.files.lock(note, wait=False):
            if before != noted:
                posix.files.truncate(note, 0)
                posix.files.write(note, os.fsencode(f"{noted.device} {noted.project}"))
            return note
    except BaseException:
        posix.files.close(note)
        raise
    posix.files.close(note)
    return -1


def _read(posix: Posix, note: int) -> _Noted | None:
    device, _, project = os.fsdecode(posix.files.read_at(note, _LONGEST, offset=0)).partition(" ")
    return _Noted(int(device), project) if device.isdecimal() and project.startswith("/") else None


def _named(posix: Posix, home: int) -> str:
    """The store that a `.snowfox` names; "" for none."""
    name = folders.read_small(posix, STORE, folder=home).strip()
    return name if len(name) == _LENGTH and name.isalnum() else ""


def _names(posix: Posix, project: str, name: str, *, but: Stat | None = None) -> bool:
    """Whether a `.snowfox` of root's in the project of this path, other than `but`, names this store."""
    opened: list[int] = []
    try:
        opened.append(posix.files.open(project, _FOLDER_FLAGS))
        opened.append(posix.files.open(HOME, _FOLDER_FLAGS, folder=opened[0]))
        found = posix.files.stat(opened[1])
        is_same = but is not None and (found.device, found.inode) == (but.device, but.inode)
        return found.uid == 0 and not is_same and _named(posix, opened[1]) == name
    except PosixError as error:
        if error.errno in _GONE:
            return False
        raise
    finally:
        for descriptor in opened:
            posix.files.close(descriptor)


def _remove_if_gone(posix: Posix, ours: Claim, name: str) -> None:
    note = posix.files.open(f"{name}{_NOTE}", os.O_RDONLY | os.O_NONBLOCK, folder=ours.folder)
    try:
        noted = _read(posix, note)
        if noted is None or noted.device != ours.device or _names(posix, noted.project, name):
            return
        # A node may run though its folder is gone, or may have moved here since we read.
        if posix.files.lock(note, wait=False) and _read(posix, note) == noted:
            _remove_store(posix, ours.folder, name)
            posix.folders.remove(f"{name}{_NOTE}", folder=ours.folder)
            _log.info("removed the store of a project that is gone", store=name, project=noted.project)
    finally:
        posix.files.close(note)


def _remove_store(posix: Posix, folder: int, name: str) -> None:
    """Its files and itself; a manager, whose folder it is, puts no folders there."""
    try:
        store = posix.files.open(name, _FOLDER_FLAGS, folder=folder)
    except PosixError as error:
        if error.errno == errno.ENOENT:
            return
        raise
    try:
        for file in posix.folders.names(store)[:_MOST_FILES]:
            posix.folders.remove(file, folder=store)
    finally:
        posix.files.close(store)
    posix.folders.remove(name, folder=folder, is_folder=True)
