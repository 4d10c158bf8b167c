"""Listening sockets: opened for services, kept while services come and go, found again after an accident.

A socket lives in the daemon and in every service that uses it, too. So one that is asked for is looked for in this order:
open already (perhaps given back by the daemon), held by a service of an earlier spawner, else opened anew.

A *reserved* one is bound so that nobody else can bind its address, and does not listen (a socket of datagrams is as good
as open then). It is for a configuration that is verified: the daemon is not told of it, it ends with this process, and
with the manager that asked for it (`release`).
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from posixpath import basename, dirname
from typing import Final

from snowfox.contract.spawner import Listening
from snowfox.core.named import NamedTuple
from snowfox.core.posix.address import Address, parse
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.spawner.in_force import InForce
from snowfox.spawner.socket_file import Identity, Look, SocketFiles

DEFAULT_LOOK: Final = Look()
"""A socket's file that everybody may connect to who reaches its folder."""

_UNPRIVILEGED: Final = 1024


class Holder:
    """A running service of an earlier spawner that got this socket: its pidfd and the number it got it at."""

    __slots__ = ("number", "pidfd")

    def __init__(self, pidfd: int, number: int) -> None:
        self.pidfd = pidfd
        self.number = number


class _Made(NamedTuple):
    """The file of a unix socket that we made, as it looks."""

    identity: Identity
    look: Look


class Ports:
    """Listening sockets by key, `NAME=ADDRESS`: open or reserved."""

    def __init__(self, posix: Posix, rules: InForce) -> None:
        self._posix = posix
        self._open: dict[str, int] = {}
        self._reserved: dict[str, int] = {}
        self._files = SocketFiles(posix, rules)
        self._made: dict[str, _Made] = {}

    def __len__(self) -> int:
        """How many are open or reserved."""
        return len(self._open) + len(self._reserved)

    def __contains__(self, key: str) -> bool:
        """Whether it is open or reserved."""
        return key in self._open or key in self._reserved

    def get(self, key: str) -> int | None:
        """The descriptor of an open socket, which stays ours; None for any other key."""
        return self._open.get(key)

    def all(self) -> list[tuple[str, int]]:
        """Keys and descriptors of open sockets, which stay ours."""
        return list(self._open.items())

    def listings(self) -> list[Listening]:
        """All of them, with the addresses that they really have."""
        return [self.listening(key) for key in (*self._open, *self._reserved)]

    def listening(self, key: str) -> Listening:
        """One that is open or reserved, with the address that it really has."""
        address = key.partition("=")[2]
        if not parse(address).is_unix:  # bound through a folder's descriptor, it knows itself by that path
            address = self._posix.sockets.address(self._descriptor(key))
        return Listening(key, address, reserved=key in self._reserved)

    def restore(self, key: str, descriptor: int) -> None:
        """Take over a socket that the daemon kept; of one that is open already the duplicate is closed."""
        if key in self:
            self._posix.files.close(descriptor)
        else:
            self._open[key] = descriptor

    def open(self, key: str, backlog: int, holders: Iterable[Holder], *, look: Look = DEFAULT_LOOK) -> None:
        """Listen: on a socket that is reserved, found in a service, or new. Of one that is open backlog and look change.

        Raises PosixError, `cannot open ADDRESS for socket NAME: …`, which names a rival where it is known.
        """
        is_new = key not in self
        with self._explained(key) as address:
            if key in self._reserved and not self._has_file(key, address):
                self.close(key)
                is_new = True
            if is_new:
                self._obtain(key, address, holders, look)
            descriptor = self._descriptor(key)
            try:
                self._change(key, address, look)
                if not address.is_datagram:
                    self._posix.sockets.listen(descriptor, backlog)
            except PosixError:
                if is_new:
                    self.close(key)
                raise
        self._reserved.pop(key, None)
        self._open[key] = descriptor

    def reserve(self, key: str, holders: Iterable[Holder], *, look: Look = DEFAULT_LOOK) -> None:
        """Bind, so that nobody else can; what a service of an earlier spawner holds is open. Nothing where it is either.

        Raises PosixError as `open` does.
        """
        if key not in self:
            with self._explained(key) as address:
                self._obtain(key, address, holders, look)

    def close(self, key: str) -> bool:
        """Close ours, or give back a reservation, and remove the file of a unix socket. False for an unknown key."""
        if key not in self:
            return False
        self._posix.files.close(self._descriptor(key))
        self._open.pop(key, None)
        self._reserved.pop(key, None)
        address = parse(key.partition("=")[2])
        made = self._made.pop(key, None)
        if address.is_unix and not address.is_abstract:
            self._files.remove(address, None if made is None else made.identity)
        return True

    def release(self) -> None:
        """Give back all reservations."""
        for key in list(self._reserved):
            self.close(key)

    def _descriptor(self, key: str) -> int:
        return self._open[key] if key in self._open else self._reserved[key]

    @contextmanager
    def _explained(self, key: str) -> Generator[Address]:
        """The address of a key; a refusal of the kernel says what was wanted, and what is known about the cause."""
        name, _, asked = key.partition("=")
        address = parse(asked)
        try:
            yield address
        except PosixError as error:
            advice = error.advice or self._advice(key, address, error.errno)
            raise PosixError("open", f"{asked} for socket {name}", error.errno, advice) from error

    def _obtain(self, key: str, address: Address, holders: Iterable[Holder], look: Look) -> None:
        found = self._held(address, holders)
        if found is not None:
            self._open[key] = found
        else:
            self._reserved[key] = self._new(key, address, look)

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

    def _new(self, key: str, address: Address, look: Look) -> int:
        if not address.is_unix or address.is_abstract:
            bound = self._posix.sockets.bind(str(address), reserved=True)
        elif (
            self._rival(key, address) is not None
        ):  # the file of one that is reserved looks as if nobody had it
            raise PosixError("bind", str(address), errno.EADDRINUSE)
        else:
            bound, identity = self._files.bind(address, look)
            self._made[key] = _Made(identity, look)
        try:
            self._posix.files.set_blocking(
                bound, blocking=True
            )  # what a service gets is as it would have made it
        except PosixError:
            self._posix.files.close(bound)
            raise
        return bound

    def _has_file(self, key: str, address: Address) -> bool:
        """Whether nobody took its file away, where it has one: a reserved one could not be told from a stale one."""
        made = self._made.get(key)
        return made is None or self._files.is_ours(address, made.identity)

    def _change(self, key: str, address: Address, look: Look) -> None:
        """Of a file that an earlier spawner made nothing is known: it stays as it is."""
        made = self._made.get(key)
        if made is not None and made.look != look and self._files.change(address, look, made.identity):
            self._made[key] = made._replace(look=look)

    def _advice(self, key: str, address: Address, number: int) -> str | None:
        if number == errno.EACCES and not address.is_unix and 0 < address.port < _UNPRIVILEGED:
            return f"ports below {_UNPRIVILEGED} are for root: take another, or start the node as root"
        if number == errno.EPERM and address.is_unix:
            return "only root, or a member of the group, may give it away"
        if number == errno.EADDRNOTAVAIL:
            return f"this host does not have the address {address.host} (ip address lists what it has)"
        if number == errno.ENOENT and address.is_unix:
            return f"there is no folder {dirname(address.path)}"
        if number != errno.EADDRINUSE:
            return None
        ours = self._rival(key, address)
        if ours is not None:
            name, _, asked = ours.partition("=")
            return f"held by socket {name} of this node ({asked})"
        from snowfox.spawner.rival import find  # noqa: PLC0415 - only when there is one

        return find(self._posix, address)

    def _rival(self, key: str, address: Address) -> str | None:
        """The key of another socket of ours that is in the way of this address."""
        for listening in self.listings():
            if listening.key != key and parse(listening.address).overlaps(address):
                return listening.key
        return None
