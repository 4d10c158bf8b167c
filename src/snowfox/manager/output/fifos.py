"""The FIFOs of launches: given to the threads that read them, and read there into logs.

A FIFO is read by one thread at a time. What cannot be written, or is more than a service's `rate`, is lost and counted.
The end of a FIFO means that nobody has it open for writing; it says nothing about the service.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final, Protocol

from snowfox.core.clock import Clock
from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output.allowance import Allowance
from snowfox.manager.output.files import InstanceLog
from snowfox.manager.output.intake import Intake
from snowfox.manager.output.logs import Logs
from snowfox.manager.output.losses import Losses
from snowfox.manager.output.pauses import Habit, Pauses
from snowfox.manager.output.shelf import ERRORS
from snowfox.service.spec import Forward, Log

CHUNK: Final = 64 << 10
_BURST: Final = 16
_MOST_FIFOS: Final = 8
_CLOSE_WITHIN: Final = 10.0
_AFTER_FAILURE: Final = 0.02
_TRIES: Final = 3
_QUIET: Final = 60.0

_log: Final = get("manager.output")


class Listens(Protocol):
    """Looks for something in what is printed through one FIFO."""

    def feed(self, data: bytes) -> bool:
        """What came next, in the thread that reads it; whether no more is wanted."""
        ...


class Source:
    """An open FIFO."""

    __slots__ = (
        "allowance",
        "descriptor",
        "habit",
        "is_over",
        "is_served",
        "limits",
        "listener",
        "log",
        "name",
    )

    def __init__(self, name: str, descriptor: int, limits: Log, listener: Listens | None = None) -> None:
        self.name = name
        self.descriptor = descriptor
        self.limits = limits
        self.listener = listener
        self.log: InstanceLog | None = None
        self.allowance: Allowance | None = None
        self.is_served = False
        self.is_over = False
        self.habit = Habit()


class Fifos:
    """All open FIFOs.

    Args:
        posix: the kernel.
        logs: where what comes is written.
        losses: counts what is not.
        clock: for the times of lines.
        loop: where `forward` is called.
        forward: takes the name of a log and where it goes besides; called again when that is another place.
    """

    def __init__(
        self,
        posix: Posix,
        logs: Logs,
        losses: Losses,
        *,
        clock: Clock,
        loop: AbstractEventLoop,
        forward: Callable[[str, Forward], None],
    ) -> None:
        self._posix = posix
        self._logs = logs
        self._losses = losses
        self._clock = clock
        self._loop = loop
        self._forward = forward
        self._lock = Lock()
        self._pauses = Pauses(posix, clock)
        self._sources: dict[int, Source] = {}
        self._by_name: dict[str, tuple[int, ...]] = {}
        self._intake = Intake(posix, self._serve)

    def start(self) -> None:
        """Begin to read."""
        self._intake.start()

    def close(self) -> bool:
        """Read what is there now, write all, close every FIFO. False when the disk did not take it in time."""
        self._pauses.close()
        return self._intake.close(self._close_all, _CLOSE_WITHIN)

    def attach(self, name: str, descriptor: int, limits: Log, listener: Listens | None = None) -> None:
        """Read a FIFO (ours from now on) into a log until it ends.

        A log may have several, those of launches before being held by processes left behind; beyond 8 the oldest is
        closed. A listener gets all that comes through it until it wants no more. Raises PosixError when it cannot be
        waited for; it is closed then.
        """
        with self._lock:
            mine = self._by_name.get(name, ())
            oldest = self._sources[mine[0]] if len(mine) >= _MOST_FIFOS else None
        if oldest is not None:
            self._end(oldest)
        with self._lock:
            self._sources[descriptor] = Source(name, descriptor, limits, listener)
            self._by_name[name] = (*self._by_name.get(name, ()), descriptor)
        self._forward(name, limits.forward)
        try:
            self._intake.add(descriptor)
        except PosixError:
            self._forget(self._sources[descriptor])
            self._posix.files.close(descriptor)
            raise

    def rename(self, was: str, name: str, limits: Log) -> None:
        """What an instance prints from now on goes into the log of another name. What is in the old one stays there."""
        with self._lock:
            for stream in ("", ERRORS):
                for descriptor in self._by_name.pop(was + stream, ()):
                    source = self._sources[descriptor]
                    source.name, source.limits, source.log = name + stream, limits, None
                    self._by_name[name + stream] = (*self._by_name.get(name + stream, ()), descriptor)
        for stream in ("", ERRORS):
            self._look_after(was + stream)
            self._look_after(name + stream)

    def limit(self, name: str, limits: Log) -> None:
        """Keep the logs of an instance by these limits from now on."""
        with self._lock:
            for stream in ("", ERRORS):
                for descriptor in self._by_name.get(name + stream, ()):
                    self._sources[descriptor].limits = limits
        for stream in ("", ERRORS):
            self._look_after(name + stream)

    def _look_after(self, name: str) -> None:
        """Forward a log as its newest FIFO says; one that has none goes nowhere."""
        with self._lock:
            mine = self._by_name.get(name)
            forward = self._sources[mine[-1]].limits.forward if mine else Forward()
        self._forward(name, forward)

    # In threads

    def _serve(self, descriptor: int) -> bool:
        source = self._claim(descriptor)
        return source is not None and self._release(source, self._read(source))

    def _claim(self, descriptor: int) -> Source | None:
        """A FIFO for one thread alone; None when another has it, or it is gone."""
        with self._lock:
            source = self._sources.get(descriptor)
            if source is None or source.is_served:
                return None
            source.is_served = True
            return source

    def _release(self, source: Source, outcome: bool | None) -> bool:  # noqa: FBT001 - what `_read` said
        """Whether it is to be waited for at once."""
        with self._lock:
            source.is_served = False
            if outcome is None:
                source.is_over = True
            is_over = source.is_over
        if is_over:
            self._close_one(source)
        elif not outcome:
            self._call(self._loop.call_later, _AFTER_FAILURE, self._again, source)
        return bool(outcome) and not is_over

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # no loop any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _again(self, source: Source) -> None:
        """After a failure it is read on a little later: a full disk is no reason to be busy."""
        if self._sources.get(source.descriptor) is source:
            with suppress(PosixError):
                self._intake.again(source.descriptor)

    def _read(self, source: Source) -> bool | None:
        """Read and write some chunks. True: all is well; False: something failed; None: it ended."""
        log = source.log
        if log is None:
            log = source.log = self._logs.get(source.name)
        may_pause = self._pauses.begin(source.habit, source.descriptor)
        try:
            with log.lock:
                log.limits = source.limits
                return self._chunks(source, log, may_pause=may_pause)
        finally:
            self._pauses.end(source.habit, paused=may_pause)

    def _chunks(self, source: Source, log: InstanceLog, *, may_pause: bool) -> bool | None:
        for _ in range(_BURST):
            try:
                data = self._posix.files.read(source.descriptor, CHUNK)
            except PosixError as error:
                _log.error("cannot read the output of a service", instance=source.name, error=str(error))
                return None
            if not data:
                return True if data is None else None
            if not self._take(source, log, data):
                return False
            if len(data) < CHUNK:
                if not may_pause:
                    break
                self._pauses.pause()
        return True

    def _take(self, source: Source, log: InstanceLog, data: bytes) -> bool:
        at = self._clock.wall()
        if source.listener is not None and source.listener.feed(data):
            source.listener = None
        if source.limits.rate:
            data = self._allowed(source, data)
            if not data:
                return True
        for follower in log.followers:
            follower.put(log.name, data, at)
        try:
            log.append(data, at)
        except PosixError as error:
            self._losses.add(source.name, len(data), str(error))
            return False
        return True

    def _allowed(self, source: Source, data: bytes) -> bytes:
        now, rate = self._clock.now(), source.limits.rate
        if source.allowance is None or source.allowance.rate != rate:
            source.allowance = Allowance(rate, now)
        taken = source.allowance.take(data, now)
        if taken.size:
            self._losses.add(source.name, taken.size, "more than its log.rate")
        return taken.kept

    def drain(self) -> None:
        """Read every FIFO until it is empty."""
        with self._lock:
            sources = list(self._sources.values())
        for source in sources:
            for _ in range(_TRIES):
                if self._claim(source.descriptor) is source:
                    if self._release(source, self._read(source)):
                        self._again(source)
                    break
                if source.log is None:
                    break
                with source.log.lock:  # another thread reads it just now
                    pass

    def _end(self, source: Source) -> None:
        """Close a FIFO, or have whoever reads it just now do so."""
        with self._lock:
            source.is_over = True
            if source.is_served:
                return
        self._close_one(source)

    def _close_one(self, source: Source) -> None:
        self._forget(source)
        with suppress(PosixError):
            self._intake.discard(source.descriptor)
        self._posix.files.close(source.descriptor)

    def _forget(self, source: Source) -> None:
        with self._lock:
            if self._sources.get(source.descriptor) is source:
                del self._sources[source.descriptor]
            left = tuple(one for one in self._by_name.get(source.name, ()) if one != source.descriptor)
            if left:
                self._by_name[source.name] = left
            else:
                self._by_name.pop(source.name, None)
                self._call(self._loop.call_later, _QUIET, self._look_after, source.name)

    def _close_all(self) -> None:
        self.drain()
        with self._lock:
            sources = list(self._sources.values())
        for source in sources:
            self._end(source)
        self._logs.close()
