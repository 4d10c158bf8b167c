"""Files and folders of a fake process."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from snowfox.core.posix.api import Files, Folders, Ids, Stat
from snowfox.testing.kernel.disk import (
    READ,
    WRITE,
    FifoNode,
    FolderNode,
    Found,
    LinkNode,
    Node,
    RegularFile,
    SocketNode,
    fault,
)
from snowfox.testing.kernel.opened import (
    Null,
    Opened,
    OpenFile,
    OpenFolder,
    OpenPath,
    Pipe,
    PipeEnd,
    SealedFile,
    Stuck,
)

if TYPE_CHECKING:
    from snowfox.testing.kernel.kernel import FakeKernel
    from snowfox.testing.kernel.process import FakeProcess

_ACCESS = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}


def start_of(process: FakeProcess, folder: int | None) -> FolderNode:
    """Where a relative path begins. Raises OSError EBADF, ENOTDIR."""
    if folder is None:
        return process.folder
    node = process.get(folder).node
    if not isinstance(node, FolderNode):
        raise fault(errno.ENOTDIR)
    return node


_NAMED = "/proc/self/fd/"


class FakeFiles(Files):
    """As `LinuxFiles`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def open(self, path: str, flags: int, *, mode: int = 0o600, folder: int | None = None) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "files.open", "open", path, path=path):
            process = self._process
            if path == "/dev/null":
                return process.add(Null())
            if path.startswith(_NAMED) and (named := process.get(int(path.removeprefix(_NAMED))).node):
                return process.add(_opened(named, flags, process.ids, was_there=True))
            if folder is not None:
                flags |= os.O_NOFOLLOW
            follow = not flags & os.O_NOFOLLOW and not flags & os.O_EXCL
            found = self._kernel.disk.walk(path, start_of(process, folder), process.ids, follow=follow)
            node = found.node or self._made(found, flags, mode)
            return process.add(_opened(node, flags, process.ids, was_there=found.node is not None))

    def _made(self, found: Found, flags: int, mode: int) -> Node:
        if not flags & os.O_CREAT:
            raise fault(errno.ENOENT)
        process = self._process
        node = RegularFile(mode & ~process.umask, process.ids, self._kernel.disk.number())
        node.touch(self._kernel.clock.wall() * 1_000_000)
        self._kernel.disk.put(found, node, process.ids)
        return node

    def close(self, descriptor: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "files.close", "close", descriptor, descriptor=descriptor):
            self._process.remove(descriptor)

    def read(self, descriptor: int, size: int) -> bytes | None:  # noqa: D102
        with self._kernel.doing(self._process, "files.read", "read", descriptor, descriptor=descriptor):
            return self._process.get(descriptor).read(size)

    def read_at(self, descriptor: int, size: int, *, offset: int) -> bytes:  # noqa: D102
        with self._kernel.doing(self._process, "files.read_at", "read", descriptor, descriptor=descriptor):
            opened = self._process.get(descriptor)
            if isinstance(opened, OpenFolder):
                raise fault(errno.EISDIR)
            if not isinstance(opened, OpenFile):
                raise fault(errno.ESPIPE)
            return opened.read_at(size, offset)

    def write(self, descriptor: int, data: bytes | memoryview) -> int | None:  # noqa: D102
        with self._kernel.doing(self._process, "files.write", "write", descriptor, descriptor=descriptor):
            opened = self._process.get(descriptor)
            if opened.node is not None:
                opened.node.touch(self._kernel.clock.wall() * 1_000_000)
            return opened.write(bytes(data))

    def sync(self, descriptor: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "files.sync", "sync", descriptor, descriptor=descriptor):
            if not isinstance(self._process.get(descriptor), OpenFile | OpenFolder):
                raise fault(errno.EINVAL)

    def truncate(self, descriptor: int, size: int) -> None:  # noqa: D102
        with self._kernel.doing(
            self._process, "files.truncate", "truncate", descriptor, descriptor=descriptor
        ):
            opened = self._process.get(descriptor)
            if not isinstance(opened, OpenFile):
                raise fault(errno.EINVAL)
            opened.truncate(size)

    def lock(self, descriptor: int, *, wait: bool) -> bool:  # noqa: D102
        with self._kernel.doing(self._process, "files.lock", "lock", descriptor, descriptor=descriptor):
            opened = self._process.get(descriptor)
            node = opened.node
            if node is None or isinstance(opened, OpenPath):
                raise fault(errno.EBADF)
            if node.holder in {None, opened}:
                node.holder = opened
                return True
            if wait:
                msg = "the lock is held and nobody in this thread can free it"
                raise Stuck(msg)
            return False

    def duplicate(self, descriptor: int, *, least: int = 0) -> int:  # noqa: D102
        with self._kernel.doing(
            self._process, "files.duplicate", "duplicate", descriptor, descriptor=descriptor
        ):
            return self._process.add(self._process.get(descriptor), least=least)

    def duplicate_to(self, descriptor: int, number: int, *, inherited: bool) -> None:  # noqa: D102
        with self._kernel.doing(
            self._process, "files.duplicate_to", "duplicate", descriptor, descriptor=descriptor
        ):
            self._process.put(number, self._process.get(descriptor), inherited=inherited)

    def set_blocking(self, descriptor: int, *, blocking: bool) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "files.set_blocking", "set blocking of", descriptor):
            self._process.get(descriptor).blocking = blocking

    def enlarge(self, pipe: int, size: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "files.enlarge", "enlarge", pipe):
            if not isinstance(self._process.get(pipe), PipeEnd):
                raise fault(errno.EBADF)
            if size > 1 << 31:
                raise fault(errno.EINVAL)

    def pipe(self) -> tuple[int, int]:  # noqa: D102
        with self._kernel.doing(self._process, "files.pipe", "make a pipe", ""):
            pipe = Pipe()
            reader = PipeEnd(pipe, None, reads=True, writes=False)
            writer = PipeEnd(pipe, None, reads=False, writes=True)
            reader.blocking = writer.blocking = False
            first = self._process.add(reader)
            try:
                return first, self._process.add(writer)
            except OSError:
                self._process.remove(first)
                raise

    def sealed(self, name: str, content: bytes) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "files.sealed", "make a file in memory", name):
            node = RegularFile(0o400, self._process.ids, self._kernel.disk.number())
            node.data.extend(content)
            node.links = 0
            return self._process.add(SealedFile(node, os.O_RDWR))

    def stat(self, path: str | int, *, folder: int | None = None, follow: bool = False) -> Stat:  # noqa: D102
        with self._kernel.doing(self._process, "files.stat", "look at", path, path=path):
            process = self._process
            if isinstance(path, int):
                opened = process.get(path)
                if isinstance(opened, Null):
                    return _UNNAMED._replace(mode=stat.S_IFCHR | 0o666)
                return _UNNAMED if opened.node is None else opened.node.stat()
            start = start_of(process, folder)
            return self._kernel.disk.existing(path, start, process.ids, follow=follow).stat()

    def link_target(self, path: str, *, folder: int | None = None) -> str:  # noqa: D102
        with self._kernel.doing(self._process, "files.link_target", "read link", path, path=path):
            process = self._process
            node = self._kernel.disk.existing(path, start_of(process, folder), process.ids, follow=False)
            if not isinstance(node, LinkNode):
                raise fault(errno.EINVAL)
            return node.target


class FakeFolders(Folders):
    """As `LinuxFolders`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def _found(self, path: str, folder: int | None) -> Found:
        start = start_of(self._process, folder)
        return self._kernel.disk.walk(path, start, self._process.ids, follow=False)

    def names(self, folder: int | str, *, most: int | None = None) -> list[str]:  # noqa: D102
        with self._kernel.doing(self._process, "folders.names", "list", folder, path=folder):
            process = self._process
            if isinstance(folder, int):
                return list(start_of(process, folder).entries)[:most]
            node = self._kernel.disk.existing(folder, process.folder, process.ids, follow=True)
            if not isinstance(node, FolderNode):
                raise fault(errno.ENOTDIR)
            if not node.allows(process.ids, READ):
                raise fault(errno.EACCES)
            return list(node.entries)[:most]

    def make(self, path: str, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.make", "make folder", path, path=path):
            found = self._found(path, folder)
            made = FolderNode(mode, self._process.ids, self._kernel.disk.number(), found.parent)
            self._kernel.disk.put(found, made, self._process.ids)

    def make_fifo(self, path: str, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.make_fifo", "make FIFO", path, path=path):
            made = FifoNode(mode, self._process.ids, self._kernel.disk.number(), Pipe())
            self._kernel.disk.put(self._found(path, folder), made, self._process.ids)

    def own(self, path: str | int, uid: int, gid: int, *, folder: int | None = None) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.own", "change owner of", path, path=path):
            node = self._node(path, folder)
            ids = self._process.ids
            keeps = uid in {-1, node.uid} and gid in {-1, node.gid, ids.gid, *ids.groups}
            if ids.uid != 0 and not (ids.uid == node.uid and keeps):
                raise fault(errno.EPERM)
            node.uid = node.uid if uid == -1 else uid
            node.gid = node.gid if gid == -1 else gid

    def mode(self, path: str | int, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.mode", "change mode of", path, path=path):
            node = self._node(path, folder)
            if isinstance(node, LinkNode):
                raise fault(errno.EOPNOTSUPP)
            if self._process.ids.uid not in {0, node.uid}:
                raise fault(errno.EPERM)
            node.mode = stat.S_IFMT(node.mode) | mode

    def _node(self, path: str | int, folder: int | None) -> Node:
        process = self._process
        if isinstance(path, str):
            return self._kernel.disk.existing(path, start_of(process, folder), process.ids, follow=False)
        node = process.get(path).node
        if node is None:
            raise fault(errno.EINVAL)
        return node

    def remove(self, path: str, *, folder: int | None = None, is_folder: bool = False) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.remove", "remove", path, path=path):
            self._kernel.disk.take(self._found(path, folder), self._process.ids, is_folder=is_folder)

    def link(self, old: str, new: str, *, folder: int, into: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.link", "link", old, path=old):
            node = self._found(old, folder).node
            if node is None:
                raise fault(errno.ENOENT)
            if isinstance(node, FolderNode):
                raise fault(errno.EPERM)
            self._kernel.disk.put(self._found(new, into), node, self._process.ids)
            node.links += 1

    def rename(self, old: str, new: str, *, folder: int | None = None) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "folders.rename", "rename", old, path=old):
            self._kernel.disk.move(self._found(old, folder), self._found(new, folder), self._process.ids)


_UNNAMED = Stat(stat.S_IFSOCK | 0o777, 0, 0, 0, 0, 0, 0, 1)
"""Of a pipe, a socket, a pidfd: their kind is not told apart."""


def _opened(node: Node, flags: int, ids: Ids, *, was_there: bool) -> Opened:
    """What open(2) makes of a file. Raises OSError."""
    if was_there and flags & os.O_CREAT and flags & os.O_EXCL:
        raise fault(errno.EEXIST)
    if flags & os.O_DIRECTORY and not isinstance(node, FolderNode):
        raise fault(errno.ENOTDIR)
    if flags & os.O_PATH:
        return OpenFolder(node) if isinstance(node, FolderNode) else OpenPath(node)
    if isinstance(node, LinkNode):
        raise fault(errno.ELOOP)
    want = _ACCESS[flags & os.O_ACCMODE]
    if was_there and not node.allows(ids, want):
        raise fault(errno.EACCES)
    return _of_kind(node, flags, want)


def _of_kind(node: Node, flags: int, want: int) -> Opened:
    match node:
        case FolderNode():
            if want & WRITE or flags & os.O_CREAT:
                raise fault(errno.EISDIR)
            return OpenFolder(node)
        case FifoNode():
            return _open_fifo(node, flags, want)
        case RegularFile():
            if flags & os.O_TRUNC and want & WRITE:
                node.data.clear()
            return OpenFile(node, flags)
        case SocketNode():
            raise fault(errno.ENXIO)
        case _:
            raise fault(errno.EINVAL)


def _open_fifo(node: FifoNode, flags: int, want: int) -> Opened:
    """fifo(7): both ways never waits; to write without a reader is ENXIO, or waits."""
    lonely = want == WRITE and not node.pipe.readers
    if lonely and flags & os.O_NONBLOCK:
        raise fault(errno.ENXIO)
    if lonely or (want == READ and not node.pipe.writers and not flags & os.O_NONBLOCK):
        msg = "opening a FIFO would wait for its other end"
        raise Stuck(msg)
    end = PipeEnd(node.pipe, node, reads=bool(want & READ), writes=bool(want & WRITE))
    end.blocking = not flags & os.O_NONBLOCK
    return end
