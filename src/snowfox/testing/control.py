"""Control groups of a host that is made up: a folder in whose folders the kernel's files appear by themselves."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.posix.linux_files import LinuxFiles, LinuxFolders
from snowfox.errors import PosixError

FILES = [
    "cgroup.procs",
    "cgroup.kill",
    "cgroup.subtree_control",
    "memory.max",
    "memory.swap.max",
    "memory.events",
    "cpu.max",
    "pids.max",
    "pids.events",
    "io.max",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.oom_control",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.write_bps_device",
]
"""Those of version 1 and 2 alike."""


class ControlFolders(LinuxFolders):
    """Folders that are groups: with files when made, not removed while a process or a group is in them."""

    def make(self, path: str, mode: int, *, folder: int | None = None) -> None:
        """See `Folders`."""
        super().make(path, mode, folder=folder)
        for name in FILES:
            Path(path, name).write_text("max" if name.endswith(".max") else "")

    def remove(self, path: str, *, folder: int | None = None, is_folder: bool = False) -> None:
        """See `Folders`."""
        place = Path(path)
        if not place.exists():
            super().remove(path, folder=folder, is_folder=is_folder)
        if "1" in (place / "cgroup.kill").read_text():
            (place / "cgroup.procs").write_text("")
        if (place / "cgroup.procs").read_text() or any(one.is_dir() for one in place.iterdir()):
            raise PosixError("remove", path, errno.EBUSY)
        shutil.rmtree(place)


class ControlFiles(LinuxFiles):
    """A process that is written into a group leaves its other one; controllers are for groups without processes."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int | None:
        """See `Files`."""
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        text = bytes(data).decode()
        if file.name == "cgroup.subtree_control" and (file.parent / "cgroup.procs").read_text():
            raise PosixError("write", f"descriptor {descriptor}", errno.EBUSY)
        if file.name == "cgroup.procs":
            above = file.parent.parent / "cgroup.procs"
            left = [pid for pid in above.read_text().split() if pid != text]
            above.write_text("\n".join(left))
        return super().write(descriptor, data)


class ControlHost:
    """A host with hierarchies below a folder, and a process that looks at them.

    Args:
        folder: of the test.
        hierarchies: for each its options (`memory`, or "" for version 2) and the group that the process is in.
        controllers: of version 2.
    """

    def __init__(self, folder: Path, hierarchies: dict[str, str], *, controllers: str = "") -> None:
        self.posix = LinuxPosix()
        self.posix.folders = ControlFolders()
        self.posix.files = ControlFiles()
        self.tops: dict[str, Path] = {}
        mounts: list[str] = []
        groups: list[str] = []
        for number, (options, group) in enumerate(hierarchies.items()):
            top = folder / (options or "unified")
            kind = "cgroup" if options else "cgroup2"
            self.tops[options] = top
            for place in (top, *(top / part for part in _parts(group))):
                self.posix.folders.make(str(place), 0o755)
                (place / "cgroup.controllers").write_text(controllers)
                if place != top:
                    (place / "cgroup.type").write_text("domain")
            mounts.append(f"30 20 0:{number} / {top} rw - {kind} {kind} rw,{options}")
            groups.append(f"{number if options else 0}:{options}:{group}")
        self.proc = str(folder / "proc")
        Path(self.proc).mkdir()
        Path(self.proc, "mountinfo").write_text("\n".join(mounts))
        Path(self.proc, "cgroup").write_text("\n".join(groups))


def _parts(group: str) -> list[str]:
    words = group.strip("/").split("/") if group != "/" else []
    return ["/".join(words[: count + 1]) for count in range(len(words))]
