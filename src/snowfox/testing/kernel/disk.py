"""The files of the fake kernel: a tree of nodes in memory, walked with the permissions of whoever asks."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, Stat

if TYPE_CHECKING:
    from snowfox.testing.kernel.opened import Opened, Pipe
    from snowfox.testing.kernel.wire import FakeSocket

READ, WRITE, ENTER = 4, 2, 1
_MOST_LINKS = 40
_LONGEST_NAME = 255
_DEVICE = 1


def fault(number: int) -> OSError:
    """What the kernel below answers with; the fake's groups translate it as those of Linux do."""
    return OSError(number, os.strerror(number))


class Node:
    """A file of any kind: `mode` holds its type bits."""

    def __init__(self, mode: int, ids: Ids, number: int) -> None:
        self.mode = mode
        self.uid = ids.uid
        self.gid = ids.gid
        self.number = number
        self.links = 1
        self.modified = self.changed = 0
        self.holder: Opened | None = None

    @property
    def size(self) -> int:
        """In bytes; 0 for what has none."""
        return 0

    def stat(self) -> Stat:
        """What a look at it tells."""
        return Stat(
            self.mode,
            self.uid,
            self.gid,
            self.size,
            self.number,
            _DEVICE,
            self.modified,
            self.links,
            self.changed,
        )

    def touch(self, now: int) -> None:
        """Its content is another, at `now` ns of the wall clock."""
        self.modified = self.changed = now

    def allows(self, ids: Ids, want: int) -> bool:
        """Whether these credentials may do all of `want` (path_resolution(7))."""
        if ids.uid == 0:
            return want != ENTER or stat.S_ISDIR(self.mode) or self.mode & 0o111 != 0
        if ids.uid == self.uid:
            bits = self.mode >> 6
        elif self.gid == ids.gid or self.gid in ids.groups:
            bits = self.mode >> 3
        else:
            bits = self.mode
        return bits & want == want


class RegularFile(Node):
    """Bytes."""

    def __init__(self, mode: int, ids: Ids, number: int) -> None:
        super().__init__(stat.S_IFREG | mode, ids, number)
        self.data = bytearray()

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return len(self.data)


class FolderNode(Node):
    """Names of nodes."""

    def __init__(self, mode: int, ids: Ids, number: int, parent: FolderNode | None) -> None:
        super().__init__(stat.S_IFDIR | mode, ids, number)
        self.entries: dict[str, Node] = {}
        self.parent = parent or self


class LinkNode(Node):
    """A symbolic link."""

    def __init__(self, target: str, ids: Ids, number: int) -> None:
        super().__init__(stat.S_IFLNK | 0o777, ids, number)
        self.target = target

    @property
    def size(self) -> int:
        """Bytes of its target."""
        return len(self.target)


class FifoNode(Node):
    """A named pipe."""

    def __init__(self, mode: int, ids: Ids, number: int, pipe: Pipe) -> None:
        super().__init__(stat.S_IFIFO | mode, ids, number)
        self.pipe = pipe


class SocketNode(Node):
    """The file of a bound unix socket."""

    def __init__(self, mode: int, ids: Ids, number: int, bound: FakeSocket | None) -> None:
        super().__init__(stat.S_IFSOCK | mode, ids, number)
        self.bound = bound


class Found(NamedTuple):
    """Where a path leads: the folder of its last name, that name, and what is there, if anything."""

    parent: FolderNode
    name: str
    node: Node | None


class Disk:
    """The tree."""

    def __init__(self) -> None:
        self._number = 1
        root = Ids(0, 0, ())
        self.root = FolderNode(0o755, root, self.number(), None)
        for name, mode in (("bin", 0o755), ("dev", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("var", 0o755)):
            self.root.entries[name] = FolderNode(mode, root, self.number(), self.root)

    def number(self) -> int:
        """A new inode number."""
        self._number += 1
        return self._number

    def walk(self, path: str, start: FolderNode, ids: Ids, *, follow: bool) -> Found:
        """Where `path` leads from `start`. Raises OSError: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        if not path:
            raise fault(errno.ENOENT)
        return self._walk(path, start, ids, follow=follow, depth=0)

    def _walk(self, path: str, start: FolderNode, ids: Ids, *, follow: bool, depth: int) -> Found:
        if depth > _MOST_LINKS:
            raise fault(errno.ELOOP)
        folder = self.root if path.startswith("/") else start
        names = [name for name in path.split("/") if name and name != "."]
        found = Found(folder.parent, ".", folder)
        for index, name in enumerate(names):
            last = index == len(names) - 1
            found = _step(folder, name, ids)
            if isinstance(found.node, LinkNode) and (follow or not last):
                found = self._walk(found.node.target, folder, ids, follow=True, depth=depth + 1)
            if last:
                break
            folder = _entered(found.node)
        if path.endswith("/") and found.node is not None:
            _entered(found.node)
        return found

    def existing(self, path: str, start: FolderNode, ids: Ids, *, follow: bool) -> Node:
        """What is there. Raises OSError ENOENT where nothing is."""
        node = self.walk(path, start, ids, follow=follow).node
        if node is None:
            raise fault(errno.ENOENT)
        return node

    def put(self, found: Found, node: Node, ids: Ids) -> None:
        """Enter a new node. Raises OSError EEXIST, EACCES."""
        if found.node is not None:
            raise fault(errno.EEXIST)
        if not found.parent.allows(ids, WRITE | ENTER):
            raise fault(errno.EACCES)
        found.parent.entries[found.name] = node

    def take(self, found: Found, ids: Ids, *, is_folder: bool) -> None:
        """Remove a name. Raises OSError ENOENT, EACCES, EISDIR, ENOTDIR, ENOTEMPTY."""
        node = found.node
        if node is None:
            raise fault(errno.ENOENT)
        if not _may_remove(found.parent, node, ids):
            raise fault(errno.EACCES)
        if isinstance(node, FolderNode) != is_folder:
            raise fault(errno.ENOTDIR if is_folder else errno.EISDIR)
        if isinstance(node, FolderNode) and node.entries:
            raise fault(errno.ENOTEMPTY)
        del found.parent.entries[found.name]
        node.links -= 1

    def move(self, old: Found, new: Found, ids: Ids) -> None:
        """Rename, replacing. Raises OSError ENOENT, EACCES, EISDIR, ENOTDIR, ENOTEMPTY."""
        node = old.node
        if node is None:
            raise fault(errno.ENOENT)
        if new.node is node:
            return
        if not _may_remove(old.parent, node, ids) or not new.parent.allows(ids, WRITE | ENTER):
            raise fault(errno.EACCES)
        if new.node is not None:
            self.take(new, ids, is_folder=isinstance(node, FolderNode))
        del old.parent.entries[old.name]
        new.parent.entries[new.name] = node
        if isinstance(node, FolderNode):
            node.parent = new.parent


def _step(folder: FolderNode, name: str, ids: Ids) -> Found:
    if not folder.allows(ids, ENTER):
        raise fault(errno.EACCES)
    if len(name.encode()) > _LONGEST_NAME:
        raise fault(errno.ENAMETOOLONG)
    if name == "..":
        return Found(folder.parent.parent, ".", folder.parent)
    return Found(folder, name, folder.entries.get(name))


def _entered(node: Node | None) -> FolderNode:
    if node is None:
        raise fault(errno.ENOENT)
    if not isinstance(node, FolderNode):
        raise fault(errno.ENOTDIR)
    return node


def _may_remove(folder: FolderNode, node: Node, ids: Ids) -> bool:
    """Writing to the folder is enough, but for the sticky bit of /tmp."""
    if not folder.allows(ids, WRITE | ENTER):
        return False
    sticky = folder.mode & stat.S_ISVTX != 0
    return not sticky or ids.uid in {0, node.uid, folder.uid}
