"""The threads that read FIFOs and write what comes, so that neither a flood nor a slow disk ever holds up the loop.

All FIFOs are in one epoll, where each answers one thread once and then is silent until that is done with it ("leader
and followers", D. Schmidt, 2000): no queue between those who read and those who write, so that nothing piles up in
memory; a service whose disk is slow waits in its own write, as with any full pipe, and holds one thread. There is one
more thread than are busy, up to `MOST_THREADS`; they are made when they are needed first. A chunk goes from read(2) to
write(2) unparsed, so that the interpreter's lock is free most of the time.

Rejected: reading in the loop and a queue to one writer (a chunk crosses two threads, a stuck write holds up all logs),
a thread per log.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import Final, Protocol

from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError

MOST_THREADS: Final = 4

_log: Final = get("manager.output")


class Serves(Protocol):
    """Reads a FIFO."""

    def __call__(self, descriptor: int) -> bool:
        """Read what there is and write it; whether it is to be waited for again. Raises nothing."""
        ...


class Intake:
    """The threads.

    Args:
        posix: the kernel.
        serve: called in a thread of ours for a descriptor that has something, by one at a time.
    """

    def __init__(self, posix: Posix, serve: Serves) -> None:
        self._posix = posix
        self._serve = serve
        self._poller = posix.poller()
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._idle = 0
        self._is_ending = False
        self._end, self._ender = posix.files.pipe()
        self._poller.add(self._end)

    def start(self) -> None:
        """Begin to read."""
        with self._lock:
            self._add_thread()

    def add(self, descriptor: int) -> None:
        """Wait for a descriptor. Raises PosixError."""
        self._poller.add(descriptor, once=True)

    def again(self, descriptor: int) -> None:
        """Wait for it once more, after `serve` said that it need not be."""
        self._poller.again(descriptor)

    def discard(self, descriptor: int) -> None:
        """Wait for it no longer."""
        self._poller.discard(descriptor)

    def close(self, last: Callable[[], None], timeout: float) -> bool:
        """End all threads, do a last thing in one; False when that took longer than `timeout` seconds."""
        self._is_ending = True
        self._posix.files.write(self._ender, b"x")
        thread = Thread(target=self._finish, args=(last,), name="output-end", daemon=True)
        thread.start()
        thread.join(timeout)
        return not thread.is_alive()

    def _finish(self, last: Callable[[], None]) -> None:
        for thread in self._threads:
            thread.join()
        last()
        self._poller.close()
        self._posix.files.close(self._end)
        self._posix.files.close(self._ender)

    def _add_thread(self) -> None:
        thread = Thread(target=self._run, name=f"output-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        self._idle += 1
        thread.start()

    def _run(self) -> None:
        while True:
            descriptor = self._poller.wait(None, most=1)[0][0]
            if self._is_ending:
                return
            if descriptor == self._end:
                continue
            with self._lock:
                self._idle -= 1
                if not self._idle and len(self._threads) < MOST_THREADS:
                    self._add_thread()
            if self._served(descriptor):
                try:
                    self._poller.again(descriptor)
                except PosixError as error:  # closed meanwhile
                    _log.debug("no longer waited for", descriptor=descriptor, error=str(error))
            with self._lock:
                self._idle += 1

    def _served(self, descriptor: int) -> bool:
        """A mistake of ours costs one FIFO and not the thread of all."""
        try:
            return self._serve(descriptor)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are read on
            _log.error(
                "a FIFO is read no more", descriptor=descriptor, error=f"{type(error).__name__}: {error}"
            )
            return False
