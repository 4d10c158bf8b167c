"""The file of a unix socket: made, given to its owner, replaced when nobody listens on it any more, removed.

Its folder may belong to somebody who puts other files into the place of ours while we, perhaps root, give it away: with
`chown` by name, a hard link to another program's socket would be given away instead. So it is made in a folder of our
own, which nobody else can enter, within its later one; there it gets owner and mode, and then a second name, its final
one, which never replaces anything (link(2)). Changed later, it gets a second name in such a folder first, and is
changed there if it is ours. A spawner that is killed in between leaves an empty folder `.PID-N` behind.

From the folder that policy allows on, no link is followed: whoever owns a folder on the way could lead us elsewhere. An
ordinary user's node follows them, it can go nowhere that its user cannot.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from posixpath import basename, dirname, relpath
from stat import S_IMODE, S_ISSOCK, S_ISVTX
from typing import Final

from snowfox.core import log
from snowfox.core.named import NamedTuple
from snowfox.core.posix.address import Address
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.spawner.in_force import InForce

SOCKET_MODE: Final = 0o666
"""Of a socket's file, where nothing is said: who may connect is said by its folder (as systemd's SocketMode)."""

_log = log.get("spawner")
_WAY: Final = os.O_PATH | os.O_DIRECTORY
_TRIES: Final = 100


class Look(NamedTuple):
    """Mode and owner of a socket's file; -1 stays ours."""

    mode: int = SOCKET_MODE
    uid: int = -1
    gid: int = -1


class Identity(NamedTuple):
    """What names a file, whatever its path."""

    device: int
    inode: int


class SocketFiles:
    """Files of unix sockets.

    Args:
        posix: the kernel.
        rules: which folders are allowed.
    """

    def __init__(self, posix: Posix, rules: InForce) -> None:
        self._posix = posix
        self._rules = rules
        self._own = posix.own.ids()

    def bind(self, address: Address, look: Look) -> tuple[int, Identity]:
        """A new socket, bound to a new file; a file that nobody listens on is replaced.

        Raises PosixError: EADDRINUSE where somebody does, or where there is no socket; EPERM where we may not give it
        away, or where others may replace it.
        """
        with self._folder_of(address) as (folder, name):
            self._check_folder(address, folder)
            with self._private(folder) as private:
                bound = self._posix.sockets.bind(f"{address.kind}:{name}", mode=look.mode, folder=private)
                try:
                    self._give(name, look, private)
                    self._enter(address, name, private, folder)
                    return bound, self._identity(name, private)
                except PosixError:
                    self._posix.files.close(bound)
                    raise
                finally:
                    self._remove(name, private)

    def change(self, address: Address, look: Look, identity: Identity) -> bool:
        """Give our file another look. False when what is there is not ours. Raises PosixError."""
        with self._folder_of(address) as (folder, name), self._private(folder) as private:
            try:
                self._posix.folders.link(name, name, folder=folder, into=private)
            except PosixError as error:
                if error.errno in {errno.ENOENT, errno.EPERM}:  # gone, or a folder is there
                    return False
                raise
            try:
                if self._identity(name, private) != identity:
                    return False
                self._posix.folders.mode(name, look.mode & self._mode(name, private), folder=private)
                self._give(name, look, private)
                self._posix.folders.mode(name, look.mode, folder=private)
                return True
            finally:
                self._remove(name, private)

    def is_ours(self, address: Address, identity: Identity) -> bool:
        """Whether the file of a socket is still the one that was made."""
        with suppress(PosixError), self._folder_of(address) as (folder, name):
            return self._identity(name, folder) == identity
        return False

    def remove(self, address: Address, identity: Identity | None) -> None:
        """Remove the file, if it is the one that was made (None: not known, then any socket's). Raises nothing."""
        try:
            with self._folder_of(address) as (folder, name):
                found = self._posix.files.stat(name, folder=folder)
                if S_ISSOCK(found.mode) and identity in {None, Identity(found.device, found.inode)}:
                    self._posix.folders.remove(name, folder=folder)
        except PosixError as error:
            if error.errno != errno.ENOENT:
                _log.warning("cannot remove the file of a socket", address=str(address), error=str(error))

    @contextmanager
    def _folder_of(self, address: Address) -> Generator[tuple[int, str]]:
        """The folder of a socket's file, open, and the name in it."""
        path = address.path
        files, policy = self._posix.files, self._rules.policy
        base = policy.base(path)
        if base is None or policy.own != 0:
            folder = files.open(dirname(path), _WAY)
        else:
            folder = files.open(base, _WAY)
            for part in relpath(dirname(path), base).split("/"):
                if part == ".":
                    continue
                try:
                    following = files.open(part, _WAY, folder=folder)
                finally:
                    files.close(folder)
                folder = following
        try:
            yield folder, basename(path)
        finally:
            files.close(folder)

    def _check_folder(self, address: Address, folder: int) -> None:
        """In root's node nobody else may be able to put another socket there: by a folder that all may write."""
        mode = self._posix.files.stat(folder).mode
        if self._own.uid == 0 and mode & 0o002 and not mode & S_ISVTX:
            where = dirname(address.path)
            raise PosixError(
                "bind", str(address), errno.EPERM, f"everybody may write its folder: chmod o-w {where}"
            )

    @contextmanager
    def _private(self, folder: int) -> Generator[int]:
        """A new folder in this one that only we can enter; removed afterwards."""
        folders, files = self._posix.folders, self._posix.files
        name = ""
        for number in range(_TRIES):
            name = f".{self._posix.own.pid()}-{number}"
            try:
                folders.make(name, 0o700, folder=folder)
                break
            except PosixError as error:
                if error.errno != errno.EEXIST or number == _TRIES - 1:
                    raise
        try:
            private = files.open(name, _WAY, folder=folder)
            try:
                found = files.stat(private)
                if found.uid != self._own.uid or S_IMODE(found.mode) & 0o777 != 0o700:
                    raise PosixError("make folder", name, errno.EPERM)  # somebody put another into its place
                yield private
            finally:
                files.close(private)
        finally:
            with suppress(PosixError):  # the same somebody
                folders.remove(name, folder=folder, is_folder=True)

    def _give(self, name: str, look: Look, private: int) -> None:
        if look.uid in {-1, self._own.uid} and look.gid in {-1, self._own.gid}:
            return
        uid = self._own.uid if look.uid == -1 else look.uid
        gid = self._own.gid if look.gid == -1 else look.gid
        self._posix.folders.own(name, uid, gid, folder=private)

    def _enter(self, address: Address, name: str, private: int, folder: int) -> None:
        """Its final name; once more where there was the file of a socket that nobody listens on."""
        for is_last in (False, True):
            try:
                self._posix.folders.link(name, name, folder=private, into=folder)
            except PosixError as error:
                if error.errno != errno.EEXIST:
                    raise
                if is_last or not self._is_stale(f"{address.kind}:{name}", name, folder):
                    raise PosixError("bind", str(address), errno.EADDRINUSE) from error
                self._remove(name, folder)
            else:
                return

    def _is_stale(self, there: str, name: str, folder: int) -> bool:
        """Whether it is a socket's file that nobody listens on."""
        try:
            if not S_ISSOCK(self._posix.files.stat(name, folder=folder).mode):
                return False
            self._posix.files.close(self._posix.sockets.connect(there, folder=folder))
        except PosixError as error:
            return error.errno in {errno.ECONNREFUSED, errno.ENOENT}
        return False

    def _identity(self, name: str, folder: int) -> Identity:
        found = self._posix.files.stat(name, folder=folder)
        return Identity(found.device, found.inode)

    def _mode(self, name: str, folder: int) -> int:
        return S_IMODE(self._posix.files.stat(name, folder=folder).mode)

    def _remove(self, name: str, folder: int) -> None:
        try:
            self._posix.folders.remove(name, folder=folder)
        except PosixError as error:
            if error.errno != errno.ENOENT:
                raise
