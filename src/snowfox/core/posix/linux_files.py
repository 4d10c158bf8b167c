"""Files and folders of Linux, by the standard library's thin wrappers."""

from __future__ import annotations

import fcntl
import os
from itertools import islice
from typing import Final

from snowfox.core.posix.api import Files, Folders, Stat
from snowfox.core.posix.refusal import refused

_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class LinuxFiles(Files):
    """Files by path or by folder and name."""

    def open(self, path: str, flags: int, *, mode: int = 0o600, folder: int | None = None) -> int:  # noqa: D102
        if folder is not None:
            flags |= os.O_NOFOLLOW
        try:
            return os.open(path, flags | os.O_CLOEXEC, mode, dir_fd=folder)
        except OSError as error:
            raise refused("open", path, error) from error

    def close(self, descriptor: int) -> None:  # noqa: D102
        try:
            os.close(descriptor)
        except OSError as error:
            raise refused("close", descriptor, error) from error

    def read(self, descriptor: int, size: int) -> bytes | None:  # noqa: D102
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise refused("read", descriptor, error) from error

    def read_at(self, descriptor: int, size: int, *, offset: int) -> bytes:  # noqa: D102
        try:
            return os.pread(descriptor, size, offset)
        except OSError as error:
            raise refused("read", descriptor, error) from error

    def write(self, descriptor: int, data: bytes | memoryview) -> int | None:  # noqa: D102
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            return None
        except OSError as error:
            raise refused("write", descriptor, error) from error

    def sync(self, descriptor: int) -> None:  # noqa: D102
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise refused("sync", descriptor, error) from error

    def truncate(self, descriptor: int, size: int) -> None:  # noqa: D102
        try:
            os.ftruncate(descriptor, size)
        except OSError as error:
            raise refused("truncate", descriptor, error) from error

    def lock(self, descriptor: int, *, wait: bool) -> bool:  # noqa: D102
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise refused("lock", descriptor, error) from error
        return True

    def duplicate(self, descriptor: int, *, least: int = 0) -> int:  # noqa: D102
        try:
            return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
        except OSError as error:
            raise refused("duplicate", descriptor, error) from error

    def duplicate_to(self, descriptor: int, number: int, *, inherited: bool) -> None:  # noqa: D102
        try:
            if descriptor == number:
                os.set_inheritable(number, inherited)
            else:
                os.dup2(descriptor, number, inherited)
        except OSError as error:
            raise refused("duplicate", descriptor, error) from error

    def set_blocking(self, descriptor: int, *, blocking: bool) -> None:  # noqa: D102
        try:
            os.set_blocking(descriptor, blocking)
        except OSError as error:
            raise refused("set blocking of", descriptor, error) from error

    def pipe(self) -> tuple[int, int]:  # noqa: D102
        try:
            return os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise refused("make a pipe", "", error) from error

    def enlarge(self, pipe: int, size: int) -> None:  # noqa: D102
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)
        except OSError as error:
            raise refused("enlarge", pipe, error) from error

    def sealed(self, name: str, content: bytes) -> int:  # noqa: D102
        try:
            made = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            try:
                done = 0
                while done < len(content):
                    done += os.pwrite(made, content[done:], done)
                os.fchmod(made, 0o400)
                fcntl.fcntl(made, fcntl.F_ADD_SEALS, _SEALS)
            except OSError:
                os.close(made)
                raise
        except OSError as error:
            raise refused("make a file in memory", name, error) from error
        return made

    def stat(self, path: str | int, *, folder: int | None = None, follow: bool = False) -> Stat:  # noqa: D102
        try:
            if isinstance(path, int):
                found = os.fstat(path)
            else:
                found = os.stat(path, dir_fd=folder, follow_symlinks=follow)
        except OSError as error:
            raise refused("look at", path, error) from error
        return Stat(
            found.st_mode,
            found.st_uid,
            found.st_gid,
            found.st_size,
            found.st_ino,
            found.st_dev,
            found.st_mtime_ns,
            found.st_nlink,
            found.st_ctime_ns,
        )

    def link_target(self, path: str, *, folder: int | None = None) -> str:  # noqa: D102
        try:
            return os.readlink(path, dir_fd=folder)
        except OSError as error:
            raise refused("read link", path, error) from error


class LinuxFolders(Folders):
    """What is in folders."""

    def names(self, folder: int | str, *, most: int | None = None) -> list[str]:  # noqa: D102
        try:
            if most is not None:
                with os.scandir(folder) as entries:
                    return [entry.name for entry in islice(entries, most)]
            return os.listdir(folder)  # noqa: PTH208 - folder may be a descriptor
        except OSError as error:
            raise refused("list", folder, error) from error

    def make(self, path: str, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        try:
            os.mkdir(path, mode, dir_fd=folder)
            _make_exact(path, mode, folder)
        except OSError as error:
            raise refused("make folder", path, error) from error

    def make_fifo(self, path: str, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        try:
            os.mkfifo(path, mode, dir_fd=folder)
            _make_exact(path, mode, folder)
        except OSError as error:
            raise refused("make FIFO", path, error) from error

    def own(self, path: str | int, uid: int, gid: int, *, folder: int | None = None) -> None:  # noqa: D102
        try:
            if isinstance(path, int):
                os.fchown(path, uid, gid)
            else:
                os.chown(path, uid, gid, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise refused("change owner of", path, error) from error

    def mode(self, path: str | int, mode: int, *, folder: int | None = None) -> None:  # noqa: D102
        try:
            if isinstance(path, int):
                os.fchmod(path, mode)
            else:
                _set_mode(path, mode, folder)
        except OSError as error:
            raise refused("change mode of", path, error) from error

    def remove(self, path: str, *, folder: int | None = None, is_folder: bool = False) -> None:  # noqa: D102
        try:
            if is_folder:
                os.rmdir(path, dir_fd=folder)
            else:
                os.unlink(path, dir_fd=folder)
        except OSError as error:
            raise refused("remove", path, error) from error

    def link(self, old: str, new: str, *, folder: int, into: int) -> None:  # noqa: D102
        try:
            os.link(old, new, src_dir_fd=folder, dst_dir_fd=into, follow_symlinks=False)
        except OSError as error:
            raise refused("link", old, error) from error

    def rename(self, old: str, new: str, *, folder: int | None = None) -> None:  # noqa: D102
        try:
            os.replace(old, new, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            raise refused("rename", old, error) from error


def _make_exact(path: str, mode: int, folder: int | None) -> None:
    """Give back the bits that the umask took; a look is cheaper than to set what is set."""
    if os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode & 0o7777 != mode:
        _set_mode(path, mode, folder)


def _set_mode(path: str, mode: int, folder: int | None) -> None:
    """Without following a link at the end, which fchmodat(2) cannot: by a descriptor that only names the file."""
    named = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{named}", mode)  # noqa: PTH101 - pathlib costs daemon and spawner 5 ms
    finally:
        os.close(named)
