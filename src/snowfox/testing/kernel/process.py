"""A process of the fake kernel: its descriptors, credentials, signals and end."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snowfox.core.posix.api import Credentials, Identity, Ids
from snowfox.testing.kernel.disk import FolderNode, fault
from snowfox.testing.kernel.opened import Opened
from snowfox.values import Exit, signal_name

if TYPE_CHECKING:
    from snowfox.testing.kernel.opened import PipeEnd

UNLIMITED = -1


@dataclass
class Slot:
    """A descriptor: what it refers to, and whether exec keeps it."""

    opened: Opened
    inherited: bool


@dataclass
class FakeProcess:
    """One process.

    `signals` holds the names of all that came, `["TERM"]`; `handles` those numbers that its program deals with
    itself, so that they do not end it; `exit` is set from its end on, `is_reaped` when the pid is free again.
    """

    pid: int
    parent: int
    session: int
    group: int
    ids: Ids
    folder: FolderNode
    started: int
    saved_uid: int = 0
    program: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict[str, str])
    descriptors: dict[int, Slot] = field(default_factory=dict[int, Slot])
    umask: int = 0o022
    nice: int = 0
    limits: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    signals: list[str] = field(default_factory=list[str])
    handles: frozenset[int] = frozenset()
    watched: PipeEnd | None = None
    exit: Exit | None = None
    is_stopped: bool = False
    is_reaped: bool = False
    is_subreaper: bool = False
    reaps_alone: bool = False
    no_new_privileges: bool = False
    is_dumpable: bool = True

    def note(self, number: int) -> None:
        """Remember that a signal came."""
        self.signals.append(signal_name(number))

    @property
    def credentials(self) -> Credentials:
        """As the kernel puts them beside what it sends."""
        return Credentials(self.pid, self.ids.uid, self.ids.gid)

    @property
    def state(self) -> str:
        """The letter of proc(5)."""
        if self.exit is not None:
            return "Z"
        return "T" if self.is_stopped else "S"

    def identity(self) -> Identity:
        """As /proc tells it."""
        return Identity(
            self.pid, self.parent, self.session, self.group, self.state, self.started, self.ids.uid
        )

    def limit(self, name: str) -> tuple[int, int]:
        """Soft and hard."""
        return self.limits.get(name, (UNLIMITED, UNLIMITED))

    def get(self, number: int) -> Opened:
        """What a descriptor refers to. Raises OSError EBADF."""
        slot = self.descriptors.get(number)
        if slot is None:
            raise fault(errno.EBADF)
        return slot.opened

    def add(self, opened: Opened, *, least: int = 0, inherited: bool = False) -> int:
        """The lowest free descriptor from `least` on. Raises OSError EMFILE at the limit."""
        number = least
        while number in self.descriptors:
            number += 1
        soft = self.limit("NOFILE")[0]
        if soft != UNLIMITED and number >= soft:
            opened.hold()
            opened.drop()
            raise fault(errno.EMFILE)
        opened.hold()
        self.descriptors[number] = Slot(opened, inherited)
        return number

    def put(self, number: int, opened: Opened, *, inherited: bool) -> None:
        """Exactly this descriptor, closing what it was."""
        opened.hold()
        before = self.descriptors.pop(number, None)
        if before is not None:
            before.opened.drop()
        self.descriptors[number] = Slot(opened, inherited)

    def remove(self, number: int) -> None:
        """Close one. Raises OSError EBADF."""
        slot = self.descriptors.pop(number, None)
        if slot is None:
            raise fault(errno.EBADF)
        slot.opened.drop()

    def close_all(self) -> None:
        """What the end of a process does."""
        for number in list(self.descriptors):
            self.remove(number)
