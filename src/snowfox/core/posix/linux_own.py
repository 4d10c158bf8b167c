"""What a process of Linux is, becomes and may use; the users that its host knows."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import resource
import time
from collections.abc import Collection
from typing import Final, NoReturn

from snowfox.core.posix.api import Ids, Limits, Own, User, Users
from snowfox.core.posix.refusal import refused
from snowfox.errors import PosixError

_HIGHEST_DESCRIPTOR = 0x7FFFFFFF
_LISTING: Final = frozenset({"files", "compat", "systemd"})
"""Sources of nsswitch.conf(5) that list all of their users."""


class LinuxOwn(Own):
    """This process."""

    def new_session(self) -> None:  # noqa: D102
        try:
            os.setsid()
        except OSError as error:
            raise refused("make a session", "", error) from error

    def umask(self, mask: int) -> int:  # noqa: D102
        return os.umask(mask)

    def become(self, ids: Ids) -> None:  # noqa: D102
        # What comes later could not load it.
        import snowfox.core.posix.syscall  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]

        try:
            if sorted(set(ids.groups)) != sorted(os.getgroups()):
                os.setgroups(ids.groups)
            os.setresgid(ids.gid, ids.gid, ids.gid)
            os.setresuid(ids.uid, ids.uid, ids.uid)
        except OSError as error:
            raise refused("become user", str(ids.uid), error) from error
        if ids.uid != 0:
            _refuse_way_back(ids)

    def change_folder(self, path: str | int) -> None:  # noqa: D102
        try:
            os.chdir(path)
        except OSError as error:
            raise refused("change to folder", path, error) from error

    def set_no_new_privileges(self) -> None:  # noqa: D102
        from snowfox.core.posix.syscall import PR_SET_NO_NEW_PRIVS, process_control  # noqa: PLC0415 - costs memory

        process_control("give up new privileges", PR_SET_NO_NEW_PRIVS, 1)

    def set_nice(self, nice: int) -> None:  # noqa: D102
        try:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        except OSError as error:
            raise refused("set nice to", str(nice), error) from error

    def close_range(self, first: int) -> None:  # noqa: D102
        os.closerange(first, _HIGHEST_DESCRIPTOR)

    def execute(self, program: str, arguments: tuple[str, ...], environment: dict[str, str]) -> NoReturn:  # noqa: D102
        try:
            os.execve(program, arguments, environment)
        except OSError as error:
            raise refused("execute", program, error) from error

    def leave(self, code: int) -> NoReturn:  # noqa: D102
        os._exit(code)

    def pid(self) -> int:  # noqa: D102
        return os.getpid()

    def parent(self) -> int:  # noqa: D102
        return os.getppid()

    def ids(self) -> Ids:  # noqa: D102
        return Ids(os.geteuid(), os.getegid(), tuple(sorted(os.getgroups())))

    def set_subreaper(self) -> None:  # noqa: D102
        from snowfox.core.posix.syscall import PR_SET_CHILD_SUBREAPER, process_control  # noqa: PLC0415 - costs memory

        process_control("become sub-reaper", PR_SET_CHILD_SUBREAPER, 1)

    def set_dumpable(self, *, dumpable: bool) -> None:  # noqa: D102
        from snowfox.core.posix.syscall import PR_SET_DUMPABLE, process_control  # noqa: PLC0415 - costs memory

        process_control("set dumpable", PR_SET_DUMPABLE, int(dumpable))

    def boot(self) -> str:  # noqa: D102
        return _content("/proc/sys/kernel/random/boot_id").decode().strip()

    def pid_namespace(self) -> int:  # noqa: D102
        try:
            return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - pathlib costs daemon and spawner 5 ms
        except OSError as error:
            raise refused("look at", "/proc/self/ns/pid", error) from error

    def uptime(self) -> int:  # noqa: D102
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class LinuxLimits(Limits):
    """Resource limits; `resource` is in C."""

    def get(self, name: str) -> tuple[int, int]:  # noqa: D102
        return resource.getrlimit(_limit(name))

    def set(self, name: str, soft: int, hard: int) -> None:  # noqa: D102
        try:
            resource.setrlimit(_limit(name), (soft, hard))
        except ValueError as error:  # how the module tells EPERM and EINVAL
            raise PosixError(
                "set limit", name, errno.EPERM if "not allowed" in str(error) else errno.EINVAL
            ) from error
        except OSError as error:
            raise refused("set limit", name, error) from error


class LinuxUsers(Users):
    """The user database, by the C library: files, LDAP or what the host uses."""

    def by_name(self, name: str) -> User | None:  # noqa: D102
        try:
            return _user(pwd.getpwnam(name))
        except KeyError:
            return None

    def by_uid(self, uid: int) -> User | None:  # noqa: D102
        try:
            return _user(pwd.getpwuid(uid))
        except (KeyError, OverflowError):
            return None

    def taken(self, uids: Collection[int]) -> frozenset[int]:  # noqa: D102
        # One look at all of /etc/passwd takes 0.3 ms, a thousand by number 110; but a directory may not list its users.
        if not _is_listed():
            return frozenset(uid for uid in uids if self.by_uid(uid) is not None)
        return frozenset(entry.pw_uid for entry in pwd.getpwall()).intersection(uids)

    def groups(self, user: User) -> tuple[int, ...]:  # noqa: D102
        return tuple(sorted(set(os.getgrouplist(user.name, user.gid))))

    def group_id(self, name: str) -> int | None:  # noqa: D102
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None


def _user(entry: pwd.struct_passwd) -> User:
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell)


def _limit(name: str) -> int:
    number = getattr(resource, f"RLIMIT_{name}", None)
    if not isinstance(number, int):
        raise PosixError("find limit", name, errno.EINVAL)
    return number


def _refuse_way_back(ids: Ids) -> None:
    """EPERM when root can be had again: capabilities that survived the change would give it."""
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        pass
    else:
        raise PosixError("become user", f"{ids.uid} for good", errno.EPERM)
    if os.getresuid() != (ids.uid,) * 3 or os.getresgid() != (ids.gid,) * 3:
        raise PosixError("become user", f"{ids.uid} for good", errno.EPERM)


def _content(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 65536)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refused("read", path, error) from error


def _is_listed() -> bool:
    """Whether the list of all users is whole: only sources that give one, and nothing that this does not understand."""
    try:
        with open("/etc/nsswitch.conf", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 5 ms
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    for line in lines:
        database, colon, sources = line.partition("#")[0].partition(":")
        if colon and database.strip() == "passwd":
            return _LISTING.issuperset(sources.split())
    return False
