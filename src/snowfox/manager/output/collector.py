"""What services print, from one FIFO per launch and stream into log files and to those who read along.

This is the loop's side: it gives FIFOs to the threads that read them (`intake`), hears of what was lost, and asks
other threads for what is in the files. What cannot be written, or is more than a service's `rate`, is lost, counted
and shown. The end of a FIFO means that nobody has it open for writing; it says nothing about the service.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Final, Protocol, TypeVar

from snowfox.contract.manager import LogLine
from snowfox.core.clock import Clock
from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError
from snowfox.manager.output.allowance import Allowance
from snowfox.manager.output.files import InstanceLog
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.intake import Intake
from snowfox.manager.output.logs import Logs
from snowfox.manager.output.losses import Losses
from snowfox.manager.output.shelf import ERRORS
from snowfox.manager.output.telling import Tail, Wanted, tail_of, told
from snowfox.service.spec import Log

CHUNK: Final = 64 << 10
_BURST: Final = 16
_MOST_FIFOS: Final = 8
_CLOSE_WITHIN: Final = 10.0
_READERS: Final = 2
_AFTER_FAILURE: Final = 0.02
_TRIES: Final = 3

T = TypeVar("T")

_log: Final = get("manager.output")


class Listens(Protocol):
    """Looks for something in what is printed through one FIFO."""

    def feed(self, data: bytes) -> bool:
        """What came next, in the thread that reads it; whether no more is wanted."""
        ...


class Source:
    """An open FIFO."""

    __slots__ = ("allowance", "descriptor", "is_over", "is_served", "limits", "listener", "log", "name")

    def __init__(self, name: str, descriptor: int, limits: Log, listener: Listens | None = None) -> None:
        self.name = name
        self.descriptor = descriptor
        self.limits = limits
        self.listener = listener
        self.log: InstanceLog | None = None
        self.allowance: Allowance | None = None
        self.is_served = False
        self.is_over = False


class Output:
    """All output of a node.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of the logs; stays the caller's.
        clock: for the times of lines.
        loop: the loop of those who read along.
    """

    def __init__(self, posix: Posix, folder: int, *, clock: Clock, loop: AbstractEventLoop) -> None:
        self._posix = posix
        self._folder = folder
        self._clock = clock
        self._loop = loop
        self._sources: dict[int, Source] = {}
        self._by_name: dict[str, tuple[int, ...]] = {}
        self._lock = Lock()
        self.losses = Losses()
        self._logs = Logs(posix, folder)
        self._intake = Intake(posix, self._serve)
        self._readers = ThreadPoolExecutor(_READERS, "log-reader")

    def start(self) -> None:
        """Begin to read."""
        self._intake.start()

    # FIFOs

    def attach(self, name: str, descriptor: int, limits: Log, listener: Listens | None = None) -> None:
        """Read a FIFO (ours from now on) into a log until it ends.

        A log may have several (of launches before, held by processes left behind), beyond 8 the oldest is closed. A
        listener gets what comes through it. Raises PosixError when it cannot be waited for; it is closed then.
        """
        with self._lock:
            mine = self._by_name.get(name, ())
            oldest = self._sources[mine[0]] if len(mine) >= _MOST_FIFOS else None
        if oldest is not None:
            self._end(oldest)
        with self._lock:
            self._sources[descriptor] = Source(name, descriptor, limits, listener)
            self._by_name[name] = (*self._by_name.get(name, ()), descriptor)
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

    def limit(self, name: str, limits: Log) -> None:
        """Keep the logs of an instance by these limits from now on."""
        with self._lock:
            for stream in ("", ERRORS):
                for descriptor in self._by_name.get(name + stream, ()):
                    self._sources[descriptor].limits = limits

    # Reading back

    async def tail(self, name: str, lines: int) -> Tail:
        """The last lines of a log, in memory: for few. Raises PosixError."""
        return await self._ask(lambda: tail_of(self._logs, name, lines))

    async def last(self, instances: list[str], lines: int) -> list[LogLine]:
        """The last lines of instances, of all their streams, each line for itself. Raises PosixError, HostError."""
        told = self.told(instances, Wanted(lines))
        found = [line._replace(text=text) async for line in told for text in line.text.split(b"\n")]
        return found[-lines:] if lines else []

    def told(
        self, instances: list[str], query: Wanted, follower: Follower | None = None
    ) -> AsyncGenerator[LogLine, None]:
        """What instances printed, of all their streams, in the order of time.

        A follower gets from then on what comes after it; `unfollow` it later. Raises PosixError.
        """
        names = [instance + stream for instance in instances for stream in ("", ERRORS)]
        return told(self._logs, names, query, ask=self._ask, follower=follower)

    def follow(self, name: str, follower: Follower) -> None:
        """A follower gets what comes of a log from now on, without what there was."""
        follower.begin(name)
        self._logs.get(name).follow(follower)

    def unfollow(self, follower: Follower) -> None:
        """Send it nothing more."""
        self._logs.unfollow(follower)

    async def rotate(self, instances: list[str]) -> list[str]:
        """Put the files of these aside now; those that had something in them. Raises PosixError."""
        at = self._clock.wall()
        names = [instance + stream for instance in instances for stream in ("", ERRORS)]

        def rotate() -> list[str]:
            return [name for name in names if self._logs.rotate(name, at)]

        await self.flush()
        rotated = await self._ask(rotate)
        return list(dict.fromkeys(name.removesuffix(ERRORS) for name in rotated))

    async def flush(self) -> None:
        """Wait until all that was printed before is written."""
        await self._ask(self._drain)

    def close(self) -> bool:
        """Read what is there now, write all, close every FIFO. False when the disk did not take it in time."""
        is_done = self._intake.close(self._close_all, _CLOSE_WITHIN)
        self._readers.shutdown(wait=is_done, cancel_futures=True)
        return is_done

    async def _ask(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._readers, work)

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
            with suppress(RuntimeError):  # no loop any more
                self._loop.call_soon_threadsafe(self._loop.call_later, _AFTER_FAILURE, self._again, source)
        return bool(outcome) and not is_over

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
        with log.lock:
            log.limits = source.limits
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
                    break
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
            self.losses.add(source.name, len(data), str(error))
            return False
        return True

    def _allowed(self, source: Source, data: bytes) -> bytes:
        now, rate = self._clock.now(), source.limits.rate
        if source.allowance is None or source.allowance.rate != rate:
            source.allowance = Allowance(rate, now)
        taken = source.allowance.take(data, now)
        if taken.size:
            self.losses.add(source.name, taken.size, "more than its log.rate")
        return taken.kept

    def _drain(self) -> None:
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

    def _close_all(self) -> None:
        self._drain()
        with self._lock:
            sources = list(self._sources.values())
        for source in sources:
            self._end(source)
        self._logs.close()
