"""What services print, from one FIFO per launch into log files and to those who read along.

All FIFOs are in one epoll, which is in the loop by its own descriptor: 188 bytes per instance, where a reader of the
loop's own takes 1,242 (performance.md). A chunk is up to 64 KiB, is never parsed here, and goes to the writer's thread.
When more than `MOST_OF_ONE` of an instance waits for the disk its FIFO is not read until that is written: the service
then waits in its write, as with any full pipe; over `MOST_OF_ALL` nobody is read. A chunk that cannot be written is
lost, counted, and shown. The end of a FIFO means that nobody has it open for writing; it says nothing about the service.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from typing import Final, NamedTuple

from snowfox.core.clock import Clock
from snowfox.core.log import get
from snowfox.core.posix.api import Posix
from snowfox.errors import PosixError, SnowFoxError
from snowfox.manager.output.files import Tail
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.writer import LogWriter, Written
from snowfox.service.spec import Log

CHUNK: Final = 64 << 10
MOST_OF_ONE: Final = 256 << 10
"""Bytes of one instance that may wait for the disk."""
MOST_OF_ALL: Final = 4 << 20
"""Bytes of all instances that may wait for the disk."""
MOST_LOST: Final = 100
"""Instances whose lost output is told of; the oldest go first."""
_MOST_FIFOS: Final = 2
_CLOSE_WITHIN: Final = 10.0

_log: Final = get("manager.output")


class Lost(NamedTuple):
    """Output that could not be written: bytes since the manager began, and the last reason."""

    size: int
    reason: str


class Source:
    """An open FIFO."""

    __slots__ = ("descriptor", "is_paused", "limits", "name")

    def __init__(self, name: str, descriptor: int, limits: Log) -> None:
        self.name = name
        self.descriptor = descriptor
        self.limits = limits
        self.is_paused = False


class Output:
    """All output of a node.

    Args:
        posix: the kernel.
        folder: descriptor of the folder of the logs; stays the caller's.
        clock: for the times of lines.
        loop: the loop to read in.
    """

    def __init__(self, posix: Posix, folder: int, *, clock: Clock, loop: AbstractEventLoop) -> None:
        self._posix = posix
        self._clock = clock
        self._loop = loop
        self._poller = posix.poller()
        self._sources: dict[int, Source] = {}
        self._by_name: dict[str, tuple[int, ...]] = {}
        self._waiting: dict[str, int] = {}
        self._total = 0
        self._is_held = False
        self._followers: dict[str, list[Follower]] = {}
        self._writer = LogWriter(posix, folder, self._report)
        self.lost: dict[str, Lost] = {}

    def start(self) -> None:
        """Begin to read."""
        self._writer.start()
        self._loop.add_reader(self._poller.descriptor, self.turn)

    def attach(self, name: str, descriptor: int, limits: Log) -> None:
        """Read a FIFO (ours from now on) into the log of an instance until it ends.

        An instance may have two, that of the launch before being held by a process left behind; with a third the
        oldest is closed. Raises PosixError when it cannot be waited for; it is closed then.
        """
        mine = self._by_name.get(name, ())
        if len(mine) >= _MOST_FIFOS:
            self._drop(self._sources[mine[0]])
        try:
            self._poller.add(descriptor)
        except PosixError:
            self._posix.files.close(descriptor)
            raise
        self._sources[descriptor] = Source(name, descriptor, limits)
        self._by_name[name] = (*self._by_name.get(name, ()), descriptor)

    def rename(self, was: str, name: str, limits: Log) -> None:
        """What an instance prints from now on goes into the log of another name. What is in the old one stays there."""
        for descriptor in self._by_name.pop(was, ()):
            source = self._sources[descriptor]
            source.name, source.limits = name, limits
            self._by_name[name] = (*self._by_name.get(name, ()), descriptor)
            if source.is_paused:  # what waits is counted under the old name
                source.is_paused = False
                self._poller.add(descriptor)

    def limit(self, name: str, limits: Log) -> None:
        """Rotate the log of an instance by these limits from now on."""
        for descriptor in self._by_name.get(name, ()):
            self._sources[descriptor].limits = limits

    def turn(self) -> None:
        """Read a chunk of each FIFO that has something."""
        at = self._clock.wall()
        for descriptor, _, _ in self._poller.wait(0):
            source = self._sources[descriptor]
            data = self._read(source)
            if data is None:
                continue
            if not data:
                self._drop(source)
                continue
            self._take(source, data, at)
            if self._total > MOST_OF_ALL:
                self._is_held = True
                self._loop.remove_reader(self._poller.descriptor)
                return

    async def tail(self, name: str, lines: int, follower: Follower | None = None) -> Tail:
        """The last lines of an instance. A follower gets from now on what comes after them; `unfollow` it later.

        Raises PosixError. Cancelling leaves the follower subscribed.
        """
        if follower is not None:
            self._followers.setdefault(name, []).append(follower)
        answer: Future[Tail] = self._loop.create_future()

        def settle(result: Tail | SnowFoxError) -> None:
            if answer.done():
                return
            if isinstance(result, SnowFoxError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self._writer.ask(name, lines, lambda result: self._call(settle, result))
        tail = await answer
        if follower is not None:
            follower.begin(name, tail)
        return tail

    def unfollow(self, follower: Follower) -> None:
        """Send it nothing more."""
        for name, followers in list(self._followers.items()):
            if follower in followers:
                followers.remove(follower)
                if not followers:
                    del self._followers[name]

    async def flush(self) -> None:
        """Wait until all that was read is on its way to the disk."""
        done: Future[None] = self._loop.create_future()
        self._writer.flush(lambda: self._call(_settle, done))
        await done

    def close(self) -> bool:
        """Read what is there now, write all, close every FIFO. False when the disk did not take it in time."""
        self._loop.remove_reader(self._poller.descriptor)
        at = self._clock.wall()
        for source in list(self._sources.values()):
            while (data := self._read(source)) and self._total <= MOST_OF_ALL:
                self._take(source, data, at)
            self._drop(source)
        return self._writer.close(_CLOSE_WITHIN)

    def _read(self, source: Source) -> bytes | None:
        """A chunk; None when there is none now; b"" at the end, and where it cannot be read any more."""
        try:
            return self._posix.files.read(source.descriptor, CHUNK)
        except PosixError as error:
            _log.error("cannot read the output of a service", instance=source.name, error=str(error))
            return b""

    def _take(self, source: Source, data: bytes, at: int) -> None:
        name = source.name
        waiting = self._waiting.get(name, 0) + len(data)
        self._waiting[name] = waiting
        self._total += len(data)
        self._writer.put(name, source.limits, data, at)
        for follower in self._followers.get(name, ()):
            follower.feed(name, data, at)
        if waiting > MOST_OF_ONE and not source.is_paused:
            source.is_paused = True
            self._poller.discard(source.descriptor)

    def _drop(self, source: Source) -> None:
        del self._sources[source.descriptor]
        left = tuple(one for one in self._by_name[source.name] if one != source.descriptor)
        if left:
            self._by_name[source.name] = left
        else:
            del self._by_name[source.name]
        if not source.is_paused:
            self._poller.discard(source.descriptor)
        self._posix.files.close(source.descriptor)

    def _report(self, written: list[Written]) -> None:
        self._call(self._written, written)

    def _call(self, function: object, *arguments: object) -> None:
        """From the thread into the loop; a loop that is closed already has nobody left who waits."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)  # type: ignore[arg-type]

    def _written(self, written: list[Written]) -> None:
        for part in written:
            left = self._waiting.get(part.name, 0) - part.taken
            self._total -= part.taken
            if left > 0:
                self._waiting[part.name] = left
            else:
                self._waiting.pop(part.name, None)
                self._resume(part.name)
            if part.lost:
                before = self.lost.get(part.name)
                self.lost[part.name] = Lost((before.size if before else 0) + part.lost, part.reason)
                if len(self.lost) > MOST_LOST:
                    del self.lost[next(iter(self.lost))]
        if self._is_held and self._total <= MOST_OF_ALL // 2:
            self._is_held = False
            self._loop.add_reader(self._poller.descriptor, self.turn)

    def _resume(self, name: str) -> None:
        for descriptor in self._by_name.get(name, ()):
            source = self._sources[descriptor]
            if source.is_paused:
                source.is_paused = False
                self._poller.add(source.descriptor)


def _settle(done: Future[None]) -> None:
    if not done.done():
        done.set_result(None)
