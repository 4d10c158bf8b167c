"""Processes and signals of a fake process, as it sees and makes them."""

from __future__ import annotations

import errno
from signal import SIGKILL, SIGSTOP
from typing import TYPE_CHECKING

from snowfox.core.posix.api import Identity, Processes, Signals, Spawn
from snowfox.testing.kernel.disk import fault
from snowfox.testing.kernel.opened import PidDescriptor, Pipe, PipeEnd
from snowfox.values import Exit

if TYPE_CHECKING:
    from snowfox.testing.kernel.kernel import FakeKernel
    from snowfox.testing.kernel.process import FakeProcess


class FakeProcesses(Processes):
    """As `LinuxProcesses`, but `fork` returns only in the parent: the child is `FakePosix(kernel, process=...)`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def spawn(self, order: Spawn) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "processes.spawn", "start", order.program, path=order.program):
            child = self._kernel.copy(self._process)
            try:
                # All at once, as a sequence that overwrites nothing before its turn would end.
                opened = [(self._process.get(ours), theirs) for ours, theirs in order.descriptors]
                for description, theirs in opened:
                    child.put(theirs, description, inherited=True)
                if order.session:
                    child.session = child.group = child.pid
                self._kernel.execute(child, order.program, order.arguments, order.environment)
            except OSError:
                child.close_all()
                del self._kernel.processes[child.pid]
                raise
            return child.pid

    def fork(self) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "processes.fork", "fork", ""):
            return self._kernel.copy(self._process).pid

    def open(self, pid: int) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "processes.open", "open", f"process {pid}", pid=pid):
            process = self._kernel.processes.get(pid)
            if process is None:
                raise fault(errno.ESRCH)
            return self._process.add(PidDescriptor(process))

    def exit_of(self, pid: int, *, reap: bool) -> Exit | None:  # noqa: D102
        with self._kernel.doing(self._process, "processes.exit_of", "wait for", f"process {pid}", pid=pid):
            child = self._child(pid)
            if child.exit is not None and reap:
                self._kernel.reap(child)
            return child.exit

    def reap(self, pid: int) -> None:  # noqa: D102
        with self._kernel.doing(self._process, "processes.reap", "reap", f"process {pid}", pid=pid):
            child = self._child(pid)
            if child.exit is None:
                raise fault(errno.EAGAIN)
            self._kernel.reap(child)

    def _child(self, pid: int) -> FakeProcess:
        child = self._kernel.processes.get(pid)
        if child is None or child.parent != self._process.pid:
            raise fault(errno.ECHILD)
        return child

    def any_exit(self) -> tuple[int, Exit] | None:  # noqa: D102
        with self._kernel.doing(self._process, "processes.any_exit", "wait for", "a child"):
            for process in self._kernel.processes.values():
                if process.parent == self._process.pid and process.exit is not None:
                    return process.pid, process.exit
            return None

    def exit_by_descriptor(self, pidfd: int) -> Exit | None:  # noqa: D102
        with self._kernel.doing(
            self._process, "processes.exit_by_descriptor", "ask for the exit of", pidfd, descriptor=pidfd
        ):
            process = self._of(pidfd)
            return process.exit if process.is_reaped and self._kernel.tells_exits else None

    def signal(self, pidfd: int, number: int) -> bool:  # noqa: D102
        with self._kernel.doing(
            self._process, "processes.signal", "signal", pidfd, descriptor=pidfd, number=number
        ):
            process = self._of(pidfd)
            if process.is_reaped:
                return False
            self._send(process, number)
            return True

    def signal_group(self, group: int, number: int) -> bool:  # noqa: D102
        with self._kernel.doing(
            self._process, "processes.signal_group", "signal", f"group {group}", pid=group
        ):
            if group <= 1:
                raise fault(errno.EINVAL)
            members = [process for process in self._kernel.processes.values() if process.group == group]
            allowed = [process for process in members if self._may_signal(process)]
            if members and not allowed:
                raise fault(errno.EPERM)
            for process in allowed:
                self._kernel.signal(process, number)
            return bool(members)

    def _send(self, process: FakeProcess, number: int) -> None:
        if not 0 <= number <= 64:
            raise fault(errno.EINVAL)
        if not self._may_signal(process):
            raise fault(errno.EPERM)
        self._kernel.signal(process, number)

    def _may_signal(self, process: FakeProcess) -> bool:
        return self._process.ids.uid in {0, process.ids.uid, process.saved_uid}

    def _of(self, pidfd: int) -> FakeProcess:
        opened = self._process.get(pidfd)
        if not isinstance(opened, PidDescriptor):
            raise fault(errno.EBADF)
        return opened.process

    def identity(self, pid: int) -> Identity | None:  # noqa: D102
        with self._kernel.doing(self._process, "processes.identity", "read", f"/proc/{pid}/stat", pid=pid):
            process = self._kernel.processes.get(pid)
            return None if process is None else process.identity()

    def all(self) -> list[int]:  # noqa: D102
        with self._kernel.doing(self._process, "processes.all", "list", "/proc"):
            return list(self._kernel.processes)

    def take_descriptor(self, pidfd: int, number: int) -> int:  # noqa: D102
        with self._kernel.doing(
            self._process, "processes.take_descriptor", "take descriptor", str(number), descriptor=pidfd
        ):
            process = self._of(pidfd)
            if process.exit is not None:
                raise fault(errno.ESRCH)
            ids = self._process.ids
            if ids.uid != 0 and not (ids.uid == process.ids.uid and process.is_dumpable):
                raise fault(errno.EPERM)
            return self._process.add(process.get(number))


class FakeSignals(Signals):
    """As `LinuxSignals`."""

    def __init__(self, kernel: FakeKernel, process: FakeProcess) -> None:
        self._kernel = kernel
        self._process = process

    def watch(self, numbers: tuple[int, ...]) -> int:  # noqa: D102
        with self._kernel.doing(self._process, "signals.watch", "watch signal", ""):
            if any(number in {SIGKILL, SIGSTOP} or not 1 <= number <= 64 for number in numbers):
                raise fault(errno.EINVAL)
            pipe = Pipe()
            reader = PipeEnd(pipe, None, reads=True, writes=False)
            writer = PipeEnd(pipe, None, reads=False, writes=True)
            reader.blocking = writer.blocking = False
            if self._process.watched is not None:
                self._process.watched.release()
            self._process.watched = writer
            self._process.handles |= set(numbers)
            return self._process.add(reader)

    def take(self, descriptor: int) -> tuple[int, ...]:  # noqa: D102
        with self._kernel.doing(self._process, "signals.take", "read", descriptor):
            return tuple(self._process.get(descriptor).read(65536) or b"")

    def reset(self) -> None:  # noqa: D102
        self._process.watched = None
        self._process.handles = frozenset()
