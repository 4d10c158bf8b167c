"""A fake process's epoll: the clock moves while it waits."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from snowfox.core.posix.api import Poller
from snowfox.testing.kernel.disk import fault
from snowfox.testing.kernel.opened import Opened, Readiness, Stuck

if TYPE_CHECKING:
    from snowfox.testing.kernel.kernel import FakeKernel
    from snowfox.testing.kernel.process import FakeProcess


class _OpenPoller(Opened):
    """The description of a poller, for a poller inside another one."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: dict[int, tuple[Opened, bool]] = {}
        self.once: set[int] = set()
        self.silent: set[int] = set()

    def ready(self) -> list[tuple[int, bool, bool]]:
        """As `Poller.wait` answers."""
        found: list[tuple[int, bool, bool]] = []
        for number, (opened, write) in self.waits.items():
            if number in self.silent:
                continue
            state = opened.readiness() or Readiness()
            readable, writable = state.readable or state.ended, state.writable and write
            if readable or writable:
                found.append((number, readable, writable))
        return found

    def readiness(self) -> Readiness | None:
        """Readable while something is ready."""
        return Readiness(readable=bool(self.ready()))


class FakePoller(Poller):
    """As `LinuxPoller`. A wait without end and without anything to come raises `Stuck`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process
        self._opened = _OpenPoller()
        self._descriptor = process.add(self._opened)

    @property
    def descriptor(self) -> int:  # noqa: D102
        return self._descriptor

    def add(self, descriptor: int, *, write: bool = False, once: bool = False) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "poller.add", "wait for", descriptor, descriptor=descriptor):
            opened = self._process.get(descriptor)
            if opened.readiness() is None:
                raise fault(errno.EPERM)
            if descriptor in self._opened.waits:
                raise fault(errno.EEXIST)
            self._opened.waits[descriptor] = (opened, write)
            self._opened.silent.discard(descriptor)
            (self._opened.once.add if once else self._opened.once.discard)(descriptor)

    def again(self, descriptor: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "poller.again", "wait for", descriptor):
            self._waited(descriptor)
            self._opened.silent.discard(descriptor)

    def change(self, descriptor: int, *, write: bool) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "poller.change", "wait for", descriptor):
            self._opened.waits[descriptor] = (self._waited(descriptor), write)

    def discard(self, descriptor: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "poller.discard", "stop waiting for", descriptor):
            self._waited(descriptor)
            del self._opened.waits[descriptor]

    def _waited(self, descriptor: int) -> Opened:
        opened = self._process.get(descriptor)
        if descriptor not in self._opened.waits:
            raise fault(errno.ENOENT)
        return opened

    def wait(self, timeout: float | None, *, most: int = -1) -> list[tuple[int, bool, bool]]:  # noqa: D102
        with self._kernel.doing(self._process, "poller.wait", "wait", ""):
            clock = self._kernel.clock
            end = None if timeout is None else clock.now() + timeout
            while True:
                # One that was closed without a discard is silent once its last descriptor is gone.
                waits = self._opened.waits
                for number in [number for number, (opened, _) in waits.items() if not opened.references]:
                    del waits[number]
                ready = self._opened.ready()
                if ready or (end is not None and clock.now() >= end):
                    taken = ready if most < 0 else ready[:most]
                    self._opened.silent.update(self._opened.once.intersection(one[0] for one in taken))
                    return taken
                self._pass(end)

    def _pass(self, end: float | None) -> None:
        """On to the next thing that happens, or to the end."""
        happens = self._kernel.agenda.next()
        if happens is None and end is None:
            msg = f"process {self._process.pid} waits without end and nothing is to happen"
            raise Stuck(msg)
        until = min(time for time in (happens, end) if time is not None)
        self._kernel.agenda.pass_time(max(0.0, until - self._kernel.clock.now()))

    def close(self) -> None:  # noqa: D102
        self._process.remove(self._descriptor)
