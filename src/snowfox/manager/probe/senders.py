"""Which launch a process belongs to: it, its session, those that it descends from, its control group.

A process that left its session and whose parent is gone (a daemon of the old kind) is still in the control group of its
launch, whose name is the launch's token. The name alone proves nothing, for others may make groups of that name
elsewhere: it has to be the very group, of the same hierarchy, that the launch's main process is in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

from snowfox.contract.record import is_token
from snowfox.core.posix import kernel_file
from snowfox.core.posix.api import Posix

_DEEPEST: Final = 8
_LARGEST: Final = 16 << 10


class Senders:
    """Looks processes up, one thing after another.

    Args:
        posix: the kernel.
        main: the main process of a live launch, by token; 0 for an unknown one.
    """

    def __init__(self, posix: Posix, main: Callable[[str], int]) -> None:
        self._posix = posix
        self._main = main

    def of(self, pid: int) -> Iterator[int]:
        """The process, its session, those that it descends from, but for the first of the host; then who leads its group."""
        sender = pid
        yield pid
        for _ in range(_DEEPEST):
            identity = self._posix.processes.identity(pid)
            if identity is None:
                break
            if identity.session > 1:
                yield identity.session
            pid = identity.parent
            if pid <= 1:
                break
            yield pid
        main = self._by_group(sender)
        if main:
            yield main

    def _by_group(self, pid: int) -> int:
        for line in self._groups(pid):
            path = line.split("/")
            place = next((place for place, name in enumerate(path) if is_token(name)), 0)
            main = self._main(path[place]) if place else 0
            if main and "/".join(path[: place + 1]) in self._groups(main):
                return main
        return 0

    def _groups(self, pid: int) -> list[str]:
        """Lines of proc_pid_cgroup(5): `HIERARCHY:CONTROLLERS:/PATH`; none for a process that is gone."""
        found = kernel_file.line(self._posix, f"/proc/{pid}/cgroup", most=_LARGEST)
        return os.fsdecode(found).split("\n") if found else []
