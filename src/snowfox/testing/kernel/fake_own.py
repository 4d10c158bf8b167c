"""What a fake process is and becomes; its limits and users."""

from __future__ import annotations

import errno
from collections.abc import Collection
from typing import TYPE_CHECKING, NoReturn

from snowfox.core.posix.api import Ids, Limits, Own, User, Users
from snowfox.testing.kernel.disk import ENTER, FolderNode, fault
from snowfox.testing.kernel.fake_files import start_of
from snowfox.values import Exit

if TYPE_CHECKING:
    from snowfox.testing.kernel.kernel import FakeKernel
    from snowfox.testing.kernel.process import FakeProcess

_LIMITS = {
    "AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS", "RTPRIO",
    "RTTIME", "SIGPENDING", "STACK",
}  # fmt: skip


class Gone(BaseException):
    """The code of a fake process goes no further: it executed a program or left. `kernel.process(pid)` knows."""


class FakeOwn(Own):
    """As `LinuxOwn`; `execute` and `leave` end the calling code by raising `Gone`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def new_session(self) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.new_session", "make a session", ""):
            process = self._process
            if any(other.group == process.pid for other in self._kernel.processes.values()):
                raise fault(errno.EPERM)
            process.session = process.group = process.pid

    def umask(self, mask: int) -> int:  # noqa: D102
        before, self._process.umask = self._process.umask, mask & 0o777
        return before

    def become(self, ids: Ids) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.become", "become user", str(ids.uid)):
            process = self._process
            same = (process.ids.uid, process.ids.gid, set(process.ids.groups)) == (
                ids.uid,
                ids.gid,
                set(ids.groups),
            )
            if process.ids.uid != 0 and not same:
                raise fault(errno.EPERM)
            process.ids = Ids(ids.uid, ids.gid, tuple(sorted(set(ids.groups))))
            process.saved_uid = ids.uid

    def change_folder(self, path: str | int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.change_folder", "change to folder", path, path=path):
            process = self._process
            if isinstance(path, int):
                node = start_of(process, path)
            else:
                found = self._kernel.disk.existing(path, process.folder, process.ids, follow=True)
                if not isinstance(found, FolderNode):
                    raise fault(errno.ENOTDIR)
                node = found
            if not node.allows(process.ids, ENTER):
                raise fault(errno.EACCES)
            process.folder = node

    def set_no_new_privileges(self) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.set_no_new_privileges", "give up new privileges", ""):
            self._process.no_new_privileges = True

    def set_nice(self, nice: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.set_nice", "set nice to", str(nice)):
            if nice < self._process.nice and self._process.ids.uid != 0:
                raise fault(errno.EACCES)
            self._process.nice = nice

    def close_range(self, first: int) -> None:  # noqa: D102
        for number in [number for number in self._process.descriptors if number >= first]:
            self._process.remove(number)

    def execute(self, program: str, arguments: tuple[str, ...], environment: dict[str, str]) -> NoReturn:  # noqa: D102
        with self._kernel.doing(self._process, "own.execute", "execute", program, path=program):
            self._kernel.execute(self._process, program, arguments, environment)
        raise Gone(program)

    def leave(self, code: int) -> NoReturn:  # noqa: D102
        self._kernel.end(self._process.pid, Exit(code=code & 0xFF))
        raise Gone(code)

    def pid(self) -> int:  # noqa: D102
        return self._process.pid

    def parent(self) -> int:  # noqa: D102
        return self._process.parent

    def ids(self) -> Ids:  # noqa: D102
        return self._process.ids

    def set_subreaper(self) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.set_subreaper", "become sub-reaper", ""):
            self._process.is_subreaper = True

    def set_dumpable(self, *, dumpable: bool) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "own.set_dumpable", "set dumpable", ""):
            self._process.is_dumpable = dumpable

    def boot(self) -> str:  # noqa: D102
        return self._kernel.boot_id

    def pid_namespace(self) -> int:  # noqa: D102
        return self._kernel.pid_namespace

    def uptime(self) -> int:  # noqa: D102
        return self._kernel.clock.boot()


class FakeLimits(Limits):
    """As `LinuxLimits`; NOFILE is enforced."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def get(self, name: str) -> tuple[int, int]:  # noqa: D102
        with self._kernel.doing(self._process, "limits.get", "find limit", name):
            if name not in _LIMITS:
                raise fault(errno.EINVAL)
            return self._process.limit(name)

    def set(self, name: str, soft: int, hard: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "limits.set", "set limit", name):
            _, before = self.get(name)
            if _above(soft, hard):
                raise fault(errno.EINVAL)
            if _above(hard, before) and self._process.ids.uid != 0:
                raise fault(errno.EPERM)
            self._process.limits[name] = (soft, hard)


class FakeUsers(Users):
    """As `LinuxUsers`, of `FakeKernel.add_user`."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    def by_name(self, name: str) -> User | None:  # noqa: D102
        return self._kernel.users.get(name)

    def by_uid(self, uid: int) -> User | None:  # noqa: D102
        return next((user for user in self._kernel.users.values() if user.uid == uid), None)

    def taken(self, uids: Collection[int]) -> frozenset[int]:  # noqa: D102
        return frozenset(user.uid for user in self._kernel.users.values()).intersection(uids)

    def groups(self, user: User) -> tuple[int, ...]:  # noqa: D102
        return tuple(sorted(self._kernel.memberships.get(user.name, set()) | {user.gid}))

    def group_id(self, name: str) -> int | None:  # noqa: D102
        return self._kernel.groups.get(name)


def _above(one: int, other: int) -> bool:
    """-1 is unlimited."""
    return other != -1 and (one == -1 or one > other)
