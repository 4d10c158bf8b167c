"""Sockets of Linux, by `_socket`: the module around it, `socket`, costs 9 ms of import.

The interface is of plain descriptors; a `_socket.socket` is put around one for the length of a call and detached,
which with its kind given costs one getsockname(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    CMSG_SPACE,
    IPPROTO_IPV6,
    IPV6_V6ONLY,
    MSG_CMSG_CLOEXEC,
    MSG_CTRUNC,
    MSG_TRUNC,
    SCM_CREDENTIALS,
    SCM_RIGHTS,
    SO_ACCEPTCONN,
    SO_PASSCRED,
    SO_PEERCRED,
    SO_REUSEADDR,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_STREAM,
    SOL_SOCKET,
    inet_pton,
    socket,
    socketpair,
)
from stat import S_ISSOCK
from typing import Any, Final

from snowfox.core.posix.address import Address, parse
from snowfox.core.posix.api import Credentials, Received, Sockets
from snowfox.core.posix.refusal import refused
from snowfox.errors import PosixError

_CREDENTIALS: Final = struct.Struct("3i")
_CREDENTIALS_SPACE: Final = CMSG_SPACE(_CREDENTIALS.size)
_LONGEST_PATH: Final = 107
_PATIENCE: Final = 1.0  # seconds; a local TCP connection is made within its call or refused


class LinuxSockets(Sockets):
    """Unix and internet sockets."""

    def pair(self) -> tuple[int, int]:  # noqa: D102
        try:
            ends = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
        except OSError as error:
            raise refused("make a socket pair", "", error) from error
        for end in ends:
            end.setsockopt(SOL_SOCKET, SO_PASSCRED, 1)
        return ends[0].detach(), ends[1].detach()

    def bind(  # noqa: D102
        self, address: str, *, mode: int | None = None, folder: int | None = None, reserved: bool = False
    ) -> int:
        where = _parsed("bind", address)
        try:
            made = _new(where)
            try:
                if where.kind == "tcp":  # with it a second owner of a udp port would be let in
                    made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
                if where.is_v6:
                    made.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
                if where.kind == "unix-datagram":
                    made.setsockopt(SOL_SOCKET, SO_PASSCRED, 1)
                if not where.is_unix or where.is_abstract:
                    made.bind(_plain(where))
                else:
                    path, through = _reachable(where.path, folder)
                    try:
                        _bind_path(made, path, mode)
                    finally:
                        _close(through)
                if reserved:
                    made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 0)
            except BaseException:
                made.close()
                raise
        except OSError as error:
            raise refused("bind", address, error) from error
        return made.detach()

    def listen(self, descriptor: int, backlog: int) -> None:  # noqa: D102
        around = _around("listen on", descriptor)
        try:
            _listen(around, backlog)
        except OSError as error:
            raise refused("listen on", descriptor, error) from error
        finally:
            around.detach()

    def accept(self, descriptor: int) -> int | None:  # noqa: D102
        around: Any = _around("accept from", descriptor)  # `_accept` is what `socket.accept` stands on
        try:
            connection: int = around._accept()[0]  # noqa: SLF001
            os.set_blocking(connection, False)
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:
            raise refused("accept from", descriptor, error) from error
        finally:
            around.detach()
        return connection

    def connect(self, address: str, *, folder: int | None = None) -> int:  # noqa: D102
        where = _parsed("connect to", address)
        try:
            made = _new(where)
            try:
                if not where.is_unix:
                    made.settimeout(_PATIENCE)
                    made.connect(_plain(where))
                elif where.is_abstract:
                    made.connect(_plain(where))
                else:
                    path, through = _reachable(where.path, folder)
                    try:
                        made.connect(path)
                    finally:
                        _close(through)
            except BaseException:
                made.close()
                raise
        except OSError as error:
            raise refused("connect to", address, _timed(error)) from error
        return made.detach()

    def send(  # noqa: D102
        self, descriptor: int, data: bytes | memoryview, descriptors: tuple[int, ...] = ()
    ) -> int | None:
        try:
            if not descriptors:
                return os.write(descriptor, data)
            around = socket(AF_UNIX, SOCK_STREAM, 0, descriptor)
            try:
                packed = struct.pack(f"{len(descriptors)}i", *descriptors)
                return around.sendmsg((data,), ((SOL_SOCKET, SCM_RIGHTS, packed),))
            finally:
                around.detach()
        except BlockingIOError:
            return None
        except OSError as error:
            raise refused("send to", descriptor, error) from error

    def receive(self, descriptor: int, size: int, *, most: int = 0) -> Received | None:  # noqa: D102
        room = _CREDENTIALS_SPACE + (CMSG_SPACE(4 * most) if most else 0)
        try:
            around = socket(AF_UNIX, SOCK_STREAM, 0, descriptor)
            try:
                data, extra, flags, _ = around.recvmsg(size, room, MSG_CMSG_CLOEXEC)
            finally:
                around.detach()
        except BlockingIOError:
            return None
        except OSError as error:
            raise refused("receive from", descriptor, error) from error
        lost = flags & (MSG_CTRUNC | MSG_TRUNC) != 0
        if not extra:
            return Received(data, (), None, lost)
        descriptors, sender = _unpacked(extra)
        for unwanted in descriptors[most:]:  # the room for credentials may have held more than was asked for
            os.close(unwanted)
            lost = True
        return Received(data, descriptors[:most], sender, lost)

    def peer(self, descriptor: int) -> Credentials:  # noqa: D102
        around = _around("ask for the peer of", descriptor)
        try:
            packed = around.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size)
        except OSError as error:
            raise refused("ask for the peer of", descriptor, error) from error
        finally:
            around.detach()
        return Credentials(*_CREDENTIALS.unpack(packed))

    def address(self, descriptor: int) -> str:  # noqa: D102
        around = _around("ask for the address of", descriptor)
        try:
            name: Any = around.getsockname()
            kind = around.type
            family = around.family
        except OSError as error:
            raise refused("ask for the address of", descriptor, error) from error
        finally:
            around.detach()
        datagram = kind == SOCK_DGRAM
        if family == AF_UNIX:
            path = os.fsdecode(name)
            path = f"@{path[1:]}" if path.startswith("\0") else path
            return str(Address("unix-datagram" if datagram else "unix", path=path))
        return str(Address("udp" if datagram else "tcp", name[0], name[1]))

    def is_listening(self, descriptor: int) -> bool:  # noqa: D102
        try:
            around = socket(fileno=descriptor)
        except OSError:
            return False
        try:
            return around.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) == 1
        except OSError:
            return False
        finally:
            around.detach()

    def notice(self, descriptor: int, number: int, *, process: int) -> None:  # noqa: D102
        try:
            _notice(descriptor, number, process)
        except OSError as error:
            raise refused("notice", descriptor, error) from error


def _notice(descriptor: int, number: int, process: int) -> None:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if number:
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, process)
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, number)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    else:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_ASYNC)
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, 0)  # whoever shares it could make the mark again


def _parsed(call: str, address: str) -> Address:
    """Raises PosixError EINVAL for what is no address: sections check what people write long before."""
    try:
        where = parse(address)
        if not where.is_unix:
            inet_pton(AF_INET6 if where.is_v6 else AF_INET, where.host)
    except (ValueError, OSError) as error:
        raise PosixError(call, address, errno.EINVAL) from error
    return where


def _new(where: Address) -> socket:
    family = AF_UNIX if where.is_unix else AF_INET6 if where.is_v6 else AF_INET
    kind = SOCK_DGRAM if where.is_datagram else SOCK_STREAM
    return socket(family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)


def _plain(where: Address) -> Any:
    """The form that `_socket` takes; an abstract name begins with a zero byte (unix(7))."""
    if where.is_unix:
        return b"\0" + os.fsencode(where.path[1:])
    return where.host, where.port


def _reachable(path: str, folder: int | None) -> tuple[str, int | None]:
    """A path that fits into sockaddr_un, and the descriptor of its folder that it leads through, where it must."""
    if folder is None and len(os.fsencode(path)) <= _LONGEST_PATH:
        return path, None
    parent, name = os.path.split(path)
    opened = os.open(parent or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    short = f"/proc/self/fd/{opened}/{name}"
    if len(os.fsencode(short)) > _LONGEST_PATH:
        os.close(opened)
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return short, opened


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _bind_path(made: socket, path: str, mode: int | None) -> None:
    """The file of a socket takes the socket's own mode, less the umask: set before, it is never wider than asked."""
    if mode is None:
        made.bind(path)
        return
    os.fchmod(made.fileno(), mode)
    made.bind(path)
    named = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if S_ISSOCK(os.fstat(named).st_mode):  # else whoever owns the folder put something there meanwhile
            os.chmod(f"/proc/self/fd/{named}", mode)  # noqa: PTH101 - pathlib costs daemon and spawner 5 ms
    finally:
        os.close(named)


def _listen(around: socket, backlog: int) -> None:
    """Without SO_REUSEADDR, connections of an earlier listener that are not over yet are in the way (TIME_WAIT)."""
    before = around.getsockopt(SOL_SOCKET, SO_REUSEADDR)
    if around.type == SOCK_STREAM:
        around.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        around.listen(backlog)
    except OSError:
        around.setsockopt(SOL_SOCKET, SO_REUSEADDR, before)
        raise


def _around(call: str, descriptor: int) -> socket:
    try:
        return socket(fileno=descriptor)
    except OSError as error:
        raise refused(call, descriptor, error) from error


def _unpacked(extra: list[tuple[int, int, bytes]]) -> tuple[tuple[int, ...], Credentials | None]:
    descriptors: list[int] = []
    sender = None
    for level, kind, data in extra:
        if level != SOL_SOCKET:
            continue
        if kind == SCM_RIGHTS:
            count = len(data) // 4
            descriptors.extend(struct.unpack(f"{count}i", data[: count * 4]))
        elif kind == SCM_CREDENTIALS and len(data) == _CREDENTIALS.size:
            sender = Credentials(*_CREDENTIALS.unpack(data))
    return tuple(descriptors), sender


def _timed(error: OSError) -> OSError:
    """`_socket` raises its own timeout without a number."""
    return error if error.errno else OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
