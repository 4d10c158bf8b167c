"""Sockets of a fake process."""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from snowfox.core.posix.address import Address, parse
from snowfox.core.posix.api import Credentials, Received, Sockets
from snowfox.testing.kernel.addresses import bound_to
from snowfox.testing.kernel.disk import WRITE, SocketNode, fault
from snowfox.testing.kernel.fake_files import start_of
from snowfox.testing.kernel.wire import FakeSocket

if TYPE_CHECKING:
    from snowfox.testing.kernel.kernel import FakeKernel
    from snowfox.testing.kernel.process import FakeProcess

_PRIVILEGED = 1024
_MOST_DESCRIPTORS = 253


class FakeSockets(Sockets):
    """As `LinuxSockets`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def pair(self) -> tuple[int, int]:  # noqa: D102
        with self._kernel.doing(self._process, "sockets.pair", "make a socket pair", ""):
            ours = FakeSocket("unix", self._process.credentials, takes_credentials=True)
            theirs = FakeSocket("unix", self._process.credentials, takes_credentials=True)
            ours.join(theirs)
            return self._process.add(ours), self._process.add(theirs)

    def bind(  # noqa: D102
        self, address: str, *, mode: int | None = None, folder: int | None = None, reserved: bool = False
    ) -> int:
        where = _parsed(address)
        details = {
            "address": address,
            "port": where.port if where else None,
            "path": where.path if where else "",
        }
        with self._kernel.doing(self._process, "sockets.bind", "bind", address, **details):
            if where is None:
                raise fault(errno.EINVAL)
            socket = FakeSocket(
                where.kind, self._process.credentials, takes_credentials=where.kind == "unix-datagram"
            )
            if where.is_unix and not where.is_abstract:
                self._bind_path(socket, where, mode, folder)
            elif 0 < where.port < _PRIVILEGED and self._process.ids.uid != 0:
                raise fault(errno.EACCES)
            else:
                self._kernel.addresses.claim(where, socket)
            socket.is_shared = socket.is_shared and not reserved
            return self._process.add(socket)

    def _bind_path(self, socket: FakeSocket, where: Address, mode: int | None, folder: int | None) -> None:
        process = self._process
        found = self._kernel.disk.walk(where.path, start_of(process, folder), process.ids, follow=False)
        if found.node is not None:
            raise fault(errno.EADDRINUSE)
        bits = 0o777 & ~process.umask if mode is None else mode
        node = SocketNode(bits, process.ids, self._kernel.disk.number(), socket)
        self._kernel.disk.put(found, node, process.ids)
        socket.bound = where

    def listen(self, descriptor: int, backlog: int) -> None:  # noqa: D102
        with self._kernel.doing(
            self._process, "sockets.listen", "listen on", descriptor, descriptor=descriptor
        ):
            socket = self._socket(descriptor)
            if socket.is_datagram:
                raise fault(errno.EOPNOTSUPP)
            if not self._kernel.addresses.may_listen(socket):
                raise fault(errno.EADDRINUSE)
            socket.is_shared = True
            socket.backlog = backlog

    def accept(self, descriptor: int) -> int | None:  # noqa: D102
        with self._kernel.doing(
            self._process, "sockets.accept", "accept from", descriptor, descriptor=descriptor
        ):
            socket = self._socket(descriptor)
            if not socket.is_listening:
                raise fault(errno.EINVAL)
            if not socket.waiting:
                return None
            return self._process.add(socket.waiting.popleft())

    def connect(self, address: str, *, folder: int | None = None) -> int:  # noqa: D102
        where = _parsed(address)
        details = {
            "address": address,
            "port": where.port if where else None,
            "path": where.path if where else "",
        }
        with self._kernel.doing(self._process, "sockets.connect", "connect to", address, **details):
            if where is None:
                raise fault(errno.EINVAL)
            there = self._bound(where, folder)
            socket = FakeSocket(where.kind, self._process.credentials)
            if where.is_datagram:
                socket.peer = there
            elif there is None or not there.is_listening:
                raise fault(errno.ECONNREFUSED)
            elif len(there.waiting) > (there.backlog or 0):
                raise fault(errno.EAGAIN if where.is_unix else errno.ETIMEDOUT)
            else:
                other = FakeSocket(where.kind, there.owner)
                other.bound = there.bound
                socket.join(other)
                there.waiting.append(other)
                there.stir()
            return self._process.add(socket)

    def _bound(self, where: Address, folder: int | None) -> FakeSocket | None:
        process = self._process
        if not where.is_unix or where.is_abstract:
            there = self._kernel.addresses.bound(where)
        else:
            node = self._kernel.disk.existing(where.path, start_of(process, folder), process.ids, follow=True)
            if not node.allows(process.ids, WRITE):
                raise fault(errno.EACCES)
            there = bound_to(node)
        if there is None and where.kind != "udp":
            raise fault(errno.ECONNREFUSED)
        return there

    def send(  # noqa: D102
        self, descriptor: int, data: bytes | memoryview, descriptors: tuple[int, ...] = ()
    ) -> int | None:
        with self._kernel.doing(self._process, "sockets.send", "send to", descriptor, descriptor=descriptor):
            opened = self._process.get(descriptor)
            if not isinstance(opened, FakeSocket):
                if descriptors:
                    raise fault(errno.ENOTSOCK)
                return opened.write(bytes(data))
            if len(descriptors) > _MOST_DESCRIPTORS:
                raise fault(errno.EINVAL)
            given = tuple(self._process.get(number) for number in descriptors)
            return opened.send(bytes(data), given, self._process.credentials)

    def receive(self, descriptor: int, size: int, *, most: int = 0) -> Received | None:  # noqa: D102
        with self._kernel.doing(
            self._process, "sockets.receive", "receive from", descriptor, descriptor=descriptor
        ):
            taken = self._socket(descriptor).receive(size, most=most)
            if taken is None:
                return None
            numbers: list[int] = []
            truncated = taken.truncated
            for opened in taken.descriptors:
                try:
                    numbers.append(self._process.add(opened))
                except OSError:  # out of descriptors: the kernel loses the rest and says MSG_CTRUNC
                    truncated = True
                opened.drop()
            return Received(taken.data, tuple(numbers), taken.sender, truncated)

    def peer(self, descriptor: int) -> Credentials:  # noqa: D102
        with self._kernel.doing(self._process, "sockets.peer", "ask for the peer of", descriptor):
            return self._socket(descriptor).peer_owner or Credentials(0, -1, -1)

    def address(self, descriptor: int) -> str:  # noqa: D102
        with self._kernel.doing(self._process, "sockets.address", "ask for the address of", descriptor):
            socket = self._socket(descriptor)
            return str(socket.bound or Address(socket.kind))

    def is_listening(self, descriptor: int) -> bool:  # noqa: D102
        slot = self._process.descriptors.get(descriptor)
        return slot is not None and isinstance(slot.opened, FakeSocket) and slot.opened.is_listening

    def notice(self, descriptor: int, number: int, *, process: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "sockets.notice", "notice", descriptor, descriptor=descriptor):
            if not 0 <= number <= 64:
                raise fault(errno.EINVAL)
            if number and process not in self._kernel.processes:
                raise fault(errno.ESRCH)
            told = partial(self._kernel.signal, self._kernel.processes[process], number) if number else None
            self._socket(descriptor).notice = told

    def _socket(self, descriptor: int) -> FakeSocket:
        opened = self._process.get(descriptor)
        if not isinstance(opened, FakeSocket):
            raise fault(errno.ENOTSOCK)
        return opened


def _parsed(address: str) -> Address | None:
    try:
        return parse(address)
    except ValueError:
        return None
