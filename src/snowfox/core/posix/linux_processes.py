"""Processes of Linux: pidfds, waitid(2), posix_spawn(3), /proc."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
from typing import Final

from snowfox.core.posix.api import Identity, Processes, Spawn
from snowfox.core.posix.refusal import refused
from snowfox.errors import PosixError
from snowfox.values import Exit

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_ALL_SIGNALS: Final = frozenset(
    number for number in (*range(1, 32), *range(34, 65)) if number not in {signal.SIGKILL, signal.SIGSTOP}
)
# struct pidfd_info of linux/pidfd.h, first version: mask, cgroupid, pid to fsgid (11 numbers), exit_code
_INFO: Final = struct.Struct("QQ11Ii")
_GET_INFO: Final = 3 << 30 | _INFO.size << 16 | 0xFF << 8 | 11
_INFO_EXIT: Final = 1 << 3
_NO_INFO: Final = {errno.ESRCH, errno.EINVAL, errno.ENOTTY, errno.EREMOTE, errno.EOPNOTSUPP}


class LinuxProcesses(Processes):
    """Processes that we start, and others by pid or pidfd."""

    def spawn(self, order: Spawn) -> int:  # noqa: D102
        moved: list[int] = []
        try:
            actions = _actions(order.descriptors, moved)
            return os.posix_spawn(
                order.program,
                order.arguments,
                order.environment,
                file_actions=actions,
                setsid=order.session,
                setsigmask=(),
                setsigdef=_ALL_SIGNALS,
            )
        except OSError as error:
            raise refused("start", order.program, error) from error
        finally:
            for descriptor in moved:
                os.close(descriptor)

    def fork(self) -> int:  # noqa: D102
        # The child could not load it after its first steps.
        import snowfox.core.posix.syscall  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]

        # All blocked meanwhile: one that came to the child before its reset would be told to the parent's descriptor.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise refused("fork", "", error) from error
        if pid == 0:
            reset_signals()
        else:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def open(self, pid: int) -> int:  # noqa: D102
        try:
            return os.pidfd_open(pid)
        except OSError as error:
            raise refused("open", f"process {pid}", error) from error

    def exit_of(self, pid: int, *, reap: bool) -> Exit | None:  # noqa: D102
        found = _wait(os.P_PID, pid, os.WEXITED | os.WNOHANG | (0 if reap else os.WNOWAIT))
        return None if found is None else found[1]

    def reap(self, pid: int) -> None:  # noqa: D102
        if _wait(os.P_PID, pid, os.WEXITED | os.WNOHANG) is None:
            raise PosixError("reap", f"process {pid}", errno.EAGAIN)

    def any_exit(self) -> tuple[int, Exit] | None:  # noqa: D102
        try:
            return _wait(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except PosixError as error:
            if error.errno == errno.ECHILD:
                return None
            raise

    def exit_by_descriptor(self, pidfd: int) -> Exit | None:  # noqa: D102
        info = bytearray(_INFO.pack(_INFO_EXIT, *([0] * 13)))
        try:
            fcntl.ioctl(pidfd, _GET_INFO, info, True)  # noqa: FBT003 - the module's own form: change it in place
        except OSError as error:
            if error.errno in _NO_INFO:
                return None
            raise refused("ask for the exit of", pidfd, error) from error
        fields = _INFO.unpack(info)
        if not fields[0] & _INFO_EXIT:
            return None
        status: int = fields[-1]
        return Exit(signal=status & 0x7F) if status & 0x7F else Exit(code=status >> 8 & 0xFF)

    def signal(self, pidfd: int, number: int) -> bool:  # noqa: D102
        try:
            signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:
            return False
        except OSError as error:
            raise refused("signal", pidfd, error) from error
        return True

    def signal_group(self, group: int, number: int) -> bool:  # noqa: D102
        if group <= 1:  # kill(2) would take 0 for our own group and -1 for everybody
            raise PosixError("signal", f"group {group}", errno.EINVAL)
        try:
            os.kill(-group, number)
        except ProcessLookupError:
            return False
        except OSError as error:
            raise refused("signal", f"group {group}", error) from error
        return True

    def identity(self, pid: int) -> Identity | None:  # noqa: D102
        path = f"/proc/{pid}"
        try:
            descriptor = os.open(f"{path}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                stat = os.read(descriptor, 4096)
            finally:
                os.close(descriptor)
            uid = os.stat(path).st_uid  # noqa: PTH116 - of this folder always the effective user, dumpable or not
        except (FileNotFoundError, ProcessLookupError):
            return None
        except OSError as error:
            raise refused("read", f"{path}/stat", error) from error
        # The name in brackets may hold anything, brackets too (proc_pid_stat(5)).
        fields = stat[stat.rindex(b")") + 2 :].split()
        return Identity(
            pid,
            int(fields[1]),
            int(fields[3]),
            int(fields[2]),
            fields[0].decode(),
            int(fields[19]) * _TICK,
            uid,
        )

    def all(self) -> list[int]:  # noqa: D102
        try:
            return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - pathlib costs 5 ms
        except OSError as error:
            raise refused("list", "/proc", error) from error

    def take_descriptor(self, pidfd: int, number: int) -> int:  # noqa: D102
        from snowfox.core.posix.syscall import descriptor_of  # noqa: PLC0415 - costs memory

        return descriptor_of(pidfd, number)


def reset_signals() -> None:
    """All signals to their default, none blocked, no descriptor told."""
    signal.set_wakeup_fd(-1)
    for number in _ALL_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _wait(kind: int, pid: int, options: int) -> tuple[int, Exit] | None:
    try:
        found = os.waitid(kind, pid, options)
    except OSError as error:
        raise refused("wait for", f"process {pid}" if pid else "a child", error) from error
    if found is None or found.si_pid == 0:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_pid, Exit(code=found.si_status)
    return found.si_pid, Exit(signal=found.si_status)


def _actions(pairs: tuple[tuple[int, int], ...], moved: list[int]) -> list[tuple[int, int, int]]:
    """dup2 steps of posix_spawn: what a step would overwrite before its turn is moved out of the way first."""
    taken = {theirs for _, theirs in pairs}
    above = max(taken, default=0) + 1
    actions: list[tuple[int, int, int]] = []
    for ours, theirs in pairs:
        source = ours
        if ours in taken and ours != theirs:
            source = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, above)
            moved.append(source)
        actions.append((os.POSIX_SPAWN_DUP2, source, theirs))
    return actions
