"""Listening sockets: opened for services, kept while services come and go, found again after an accident.

A socket lives in the daemon and in every service that uses it, too. So one that is asked for is looked for in this order:
open already (perhaps given back by the daemon), held by a service of an earlier spawner, else opened anew.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from posixpath import basename, dirname, relpath
from stat import S_ISSOCK
from typing import Final

from snowfox.core.posix.address import Address, parse
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.spawner.policy import Policy

SOCKET_MODE: Final = 0o666
"""Of a unix socket's file: who may connect is said by its folder (as systemd's SocketMode)."""

_UNPRIVILEGED: Final = 1024
_WAY: Final = os.O_PATH | os.O_DIRECTORY


class Holder:
    """A running service of an earlier spawner that got this socket: its pidfd and the number it got it at."""

    __slots__ = ("number", "pidfd")

    def __init__(self, pidfd: int, number: int) -> None:
        self.pidfd = pidfd
        self.number = number


class Ports:
    """Open listening sockets by key, `NAME=ADDRESS`."""

    def __init__(self, posix: Posix, policy: Policy) -> None:
        self._posix = posix
        self._policy = policy
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def get(self, key: str) -> int | None:
        """The descriptor of an open socket, which stays ours; None for an unknown key."""
        return self._open.get(key)

    def all(self) -> list[tuple[str, int]]:
        """All keys and descriptors, which stay ours."""
        return list(self._open.items())

    def address(self, key: str) -> str:
        """The address that an open socket really has."""
        asked = key.partition("=")[2]
        if parse(asked).is_unix:  # bound through a folder's descriptor, it knows itself by that path
            return asked
        return self._posix.sockets.address(self._open[key])

    def restore(self, key: str, descriptor: int) -> None:
        """Take over a socket that the daemon kept; of one that is open already the duplicate is closed."""
        if key in self._open:
            self._posix.files.close(descriptor)
        else:
            self._open[key] = descriptor

    def open(self, key: str, backlog: int, holders: Iterable[Holder]) -> None:
        """Open and listen; one that is open or held by a service is found again.

        Raises PosixError, `cannot open ADDRESS for socket NAME: …`, which names a rival where it is known.
        """
        if key in self._open:
            return
        name, _, asked = key.partition("=")
        found = self._held(parse(asked), holders)
        if found is None:
            try:
                found = self._new(parse(asked), backlog)
            except PosixError as error:
                raise PosixError(
                    "open", f"{asked} for socket {name}", error.errno, self._advice(parse(asked), error.errno)
                ) from error
        self._open[key] = found

    def close(self, key: str) -> bool:
        """Close ours, and remove the file of a unix socket. False for an unknown key."""
        descriptor = self._open.pop(key, None)
        if descriptor is None:
            return False
        self._posix.files.close(descriptor)
        address = parse(key.partition("=")[2])
        if address.is_unix and not address.is_abstract:
            self._remove_file(address)
        return True

    def _held(self, address: Address, holders: Iterable[Holder]) -> int | None:
        """A service may have closed it or put something else there: what comes back must have the address."""
        for holder in holders:
            try:
                taken = self._posix.processes.take_descriptor(holder.pidfd, holder.number)
            except PosixError:
                continue  # gone, moved, or tracing is not allowed: opening it anew will tell
            if self._is(taken, address):
                return taken
            self._posix.files.close(taken)
        return None

    def _is(self, descriptor: int, address: Address) -> bool:
        if not address.is_datagram and not self._posix.sockets.is_listening(descriptor):
            return False
        try:
            has = parse(self._posix.sockets.address(descriptor))
        except (PosixError, ValueError):
            return False
        if address.is_unix:
            return has.kind == address.kind and basename(has.path) == basename(address.path)
        return has.kind == address.kind and has.host == address.host and address.port in {0, has.port}

    def _new(self, address: Address, backlog: int) -> int:
        sockets, files = self._posix.sockets, self._posix.files
        if not address.is_unix or address.is_abstract:
            bound = sockets.bind(str(address))
        else:
            bound = self._bind_file(address)
        try:
            if not address.is_datagram:
                sockets.listen(bound, backlog)
            files.set_blocking(bound, blocking=True)  # what a service gets is as it would have made it
        except PosixError:
            files.close(bound)
            raise
        return bound

    def _bind_file(self, address: Address) -> int:
        folder, name = self._folder_of(address.path)
        try:
            there = f"{address.kind}:{name}"
            try:
                return self._posix.sockets.bind(there, mode=SOCKET_MODE, folder=folder)
            except PosixError as error:
                if error.errno != errno.EADDRINUSE or not self._is_stale(there, name, folder):
                    raise
            self._posix.folders.remove(name, folder=folder)
            return self._posix.sockets.bind(there, mode=SOCKET_MODE, folder=folder)
        finally:
            self._posix.files.close(folder)

    def _is_stale(self, there: str, name: str, folder: int) -> bool:
        """Whether it is a socket's file that nobody listens on."""
        if not S_ISSOCK(self._posix.files.stat(name, folder=folder).mode):
            return False
        try:
            self._posix.files.close(self._posix.sockets.connect(there, folder=folder))
        except PosixError as error:
            return error.errno == errno.ECONNREFUSED
        return False

    def _folder_of(self, path: str) -> tuple[int, str]:
        """The folder of a unix socket, open, and the name in it.

        From the folder that policy allows on, no link is followed: whoever owns a folder on the way could lead us
        elsewhere. An ordinary user's node follows them, it can go nowhere that its user cannot.
        """
        files = self._posix.files
        base = self._policy.base(path)
        if base is None or self._policy.own != 0:
            return files.open(dirname(path), _WAY), basename(path)
        folder = files.open(base, _WAY)
        for part in relpath(dirname(path), base).split("/"):
            if part == ".":
                continue
            try:
                following = files.open(part, _WAY, folder=folder)
            finally:
                files.close(folder)
            folder = following
        return folder, basename(path)

    def _remove_file(self, address: Address) -> None:
        try:
            folder, name = self._folder_of(address.path)
        except PosixError:
            return  # the folder is gone, and the file with it
        try:
            if S_ISSOCK(self._posix.files.stat(name, folder=folder).mode):
                self._posix.folders.remove(name, folder=folder)
        except PosixError as error:
            if error.errno != errno.ENOENT:
                raise
        finally:
            self._posix.files.close(folder)

    def _advice(self, address: Address, number: int) -> str | None:
        if number == errno.EACCES and not address.is_unix and 0 < address.port < _UNPRIVILEGED:
            return f"ports below {_UNPRIVILEGED} are for root: take another, or start the node as root"
        if number != errno.EADDRINUSE:
            return None
        from snowfox.spawner.rival import find  # noqa: PLC0415 - only when there is one

        return find(self._posix, address)
