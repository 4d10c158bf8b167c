"""The one thread that writes log files, so that a slow disk never holds up the loop.

Orders come through one queue and are done in order, so that what is asked for after a chunk was handed over sees the
chunk. What waits in the queue is bounded by its only user, `output.collector`, who stops reading from services.
At most `MOST_OPEN` logs are held open; the one unused for longest is closed first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple, assert_never

from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError, SnowFoxError
from snowfox.manager.output.files import InstanceLog, Tail
from snowfox.service.spec import Log

MOST_OPEN: Final = 64
"""Logs that are open at once, two descriptors each."""
MOST_KNOWN: Final = 10_000
"""Logs whose limits are known; more than a node has instances, of which those of before stay for a while."""
_BATCH: Final = 256


class Written(NamedTuple):
    """What became of an instance's chunks: bytes taken off the queue, and those of them that were lost, and why."""

    name: str
    taken: int
    lost: int
    reason: str


class _Chunk(NamedTuple):
    name: str
    limits: Log
    data: bytes
    at: int


class _Ask(NamedTuple):
    name: str
    limits: Log
    lines: int
    answer: Callable[[Tail | SnowFoxError], None]


class _Flush(NamedTuple):
    done: Callable[[], None]


class LogWriter:
    """The thread and its queue.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of all logs; stays the caller's.
        report: called in the thread after each batch with what was taken.
    """

    def __init__(self, posix: Posix, folder: int, report: Callable[[list[Written]], None]) -> None:
        self._posix = posix
        self._folder = folder
        self._report = report
        self._queue: SimpleQueue[_Chunk | _Ask | _Flush | None] = SimpleQueue()
        self._logs: dict[str, InstanceLog] = {}
        self._open: dict[str, InstanceLog] = {}
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, name: str, limits: Log, data: bytes, at: int) -> None:
        """Append a chunk that was read at wall clock `at` (ms) to the log of an instance."""
        self._queue.put(_Chunk(name, limits, data, at))

    def ask(self, name: str, lines: int, answer: Callable[[Tail | SnowFoxError], None]) -> None:
        """Have `answer` called in the thread with the last lines, everything put before included."""
        self._queue.put(_Ask(name, Log(), lines, answer))

    def flush(self, done: Callable[[], None]) -> None:
        """Have `done` called in the thread once all that was put before is written."""
        self._queue.put(_Flush(done))

    def close(self, timeout: float) -> bool:
        """Write what waits and end the thread; False when it did not end within `timeout` seconds."""
        if not self._thread.is_alive():
            return True
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._turn():
            pass
        for log in self._open.values():
            log.close()

    def _turn(self) -> bool:
        """One batch: report once for many chunks, each report wakes the loop. False at the end."""
        orders = [self._queue.get()]
        with suppress(Empty):
            while len(orders) < _BATCH:
                orders.append(self._queue.get_nowait())
        taken: dict[str, Written] = {}
        for order in orders:
            match order:
                case _Chunk():
                    self._append(order, taken)
                case _Ask():
                    order.answer(self._tail(order))
                case _Flush():
                    order.done()
                case None:
                    break
                case _:
                    assert_never(order)
        if taken:
            self._report(list(taken.values()))
        return None not in orders

    def _append(self, chunk: _Chunk, taken: dict[str, Written]) -> None:
        before = taken.get(chunk.name, Written(chunk.name, 0, 0, ""))
        size = len(chunk.data)
        lost = 0
        reason = before.reason
        try:
            self._log_of(chunk).append(chunk.data, chunk.at)
        except PosixError as error:
            lost = size
            reason = str(error)
        taken[chunk.name] = Written(chunk.name, before.taken + size, before.lost + lost, reason)

    def _log_of(self, order: _Chunk | _Ask) -> InstanceLog:
        log = self._logs.get(order.name)
        if log is None:
            log = self._logs[order.name] = InstanceLog(self._posix, self._folder, order.name, order.limits)
            if len(self._logs) > MOST_KNOWN:
                del self._logs[next(name for name in self._logs if name not in self._open)]
        if isinstance(order, _Chunk):
            log.limits = order.limits
            self._open.pop(order.name, None)
            self._open[order.name] = log
            if len(self._open) > MOST_OPEN:
                oldest = next(iter(self._open))
                self._open.pop(oldest).close()
        return log

    def _tail(self, order: _Ask) -> Tail | SnowFoxError:
        try:
            return self._log_of(order).tail(order.lines)
        except SnowFoxError as error:
            return error
