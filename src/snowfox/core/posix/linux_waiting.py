"""Waiting on Linux: epoll(7), and signals as a descriptor.

Signals come through the interpreter's wakeup descriptor (`signal.set_wakeup_fd`) into a pipe: its C handler writes the
signal's number there, in order of arrival, before any Python code runs. signalfd(2) was rejected: Python 3.11 has no
wrapper (ctypes in daemon and spawner), and a blocked mask would be inherited by what they start. So one process has
one `watch`, of its main thread, and does not use asyncio's signal handlers beside it.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from typing import Any, Final

from snowfox.core.posix.api import Poller, Signals
from snowfox.core.posix.linux_processes import reset_signals
from snowfox.core.posix.refusal import refused
from snowfox.errors import PosixError


class LinuxSignals(Signals):
    """Signals by the interpreter's wakeup descriptor."""

    def __init__(self) -> None:
        self._writer = -1

    def watch(self, numbers: tuple[int, ...]) -> int:  # noqa: D102
        try:
            reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise refused("make a pipe", "", error) from error
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        if before == self._writer != -1:
            os.close(before)
        self._writer = writer
        for number in numbers:
            try:
                signal.signal(number, _note)
            except OSError as error:
                raise refused("watch signal", str(number), error) from error
            except ValueError as error:
                raise PosixError("watch signal", str(number), errno.EINVAL) from error
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        return reader

    def take(self, descriptor: int) -> tuple[int, ...]:  # noqa: D102
        try:
            return tuple(os.read(descriptor, 65536))
        except BlockingIOError:
            return ()
        except OSError as error:
            raise refused("read", descriptor, error) from error

    def reset(self) -> None:  # noqa: D102
        reset_signals()


_ONCE: Final = select.EPOLLIN | select.EPOLLONESHOT


class LinuxPoller(Poller):
    """epoll, level-triggered."""

    def __init__(self) -> None:
        try:
            self._epoll = select.epoll()
        except OSError as error:
            raise refused("make a poller", "", error) from error

    @property
    def descriptor(self) -> int:  # noqa: D102
        return self._epoll.fileno()

    def add(self, descriptor: int, *, write: bool = False, once: bool = False) -> None:  # noqa: D102
        mask = select.EPOLLIN | select.EPOLLOUT if write else select.EPOLLIN
        try:
            self._epoll.register(descriptor, mask | select.EPOLLONESHOT if once else mask)
        except OSError as error:
            raise refused("wait for", descriptor, error) from error

    def again(self, descriptor: int) -> None:  # noqa: D102
        try:
            self._epoll.modify(descriptor, _ONCE)
        except OSError as error:
            raise refused("wait for", descriptor, error) from error

    def change(self, descriptor: int, *, write: bool) -> None:  # noqa: D102
        try:
            self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT if write else select.EPOLLIN)
        except OSError as error:
            raise refused("wait for", descriptor, error) from error

    def discard(self, descriptor: int) -> None:  # noqa: D102
        try:
            self._epoll.unregister(descriptor)
        except OSError as error:
            raise refused("stop waiting for", descriptor, error) from error

    def wait(self, timeout: float | None, *, most: int = -1) -> list[tuple[int, bool, bool]]:  # noqa: D102
        try:
            found = self._epoll.poll(timeout, most)
        except OSError as error:
            raise refused("wait", "", error) from error
        return [
            (descriptor, mask != select.EPOLLOUT, mask & select.EPOLLOUT != 0) for descriptor, mask in found
        ]

    def close(self) -> None:  # noqa: D102
        self._epoll.close()


def _note(_number: int, _frame: Any) -> None:
    """The interpreter needs a handler, else it does not write to the wakeup descriptor."""
