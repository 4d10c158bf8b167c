"""What services print, from one FIFO per launch and stream into log files and to those who read along.

This is the loop's side: threads read FIFOs and write files (`fifos`, `intake`), others read what is in the files
(`telling`); the loop waits for none of them.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from snowfox.contract.manager import LogLine
from snowfox.core.clock import Clock
from snowfox.core.posix.api import Posix
from snowfox.manager.output.fifos import Fifos, Listens
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.forward.forwards import Forwards
from snowfox.manager.output.logs import Logs
from snowfox.manager.output.losses import Losses
from snowfox.manager.output.shelf import ERRORS
from snowfox.manager.output.telling import Tail, Wanted, tail_of, told
from snowfox.service.spec import Log

_READERS: Final = 2

T = TypeVar("T")


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
        self.losses = Losses()
        self._logs = Logs(posix, folder)
        self.forwards = Forwards(posix, self._logs, loop)
        self.fifos = Fifos(posix, self._logs, self.losses, clock=clock, loop=loop, forward=self.forwards.want)
        self._readers = ThreadPoolExecutor(_READERS, "log-reader")

    def start(self) -> None:
        """Begin to read."""
        self.fifos.start()

    def attach(self, name: str, descriptor: int, limits: Log, listener: Listens | None = None) -> None:
        """Read a FIFO (ours from now on) into a log until it ends. See `Fifos.attach`. Raises PosixError."""
        self.fifos.attach(name, descriptor, limits, listener)

    def rename(self, was: str, name: str, limits: Log) -> None:
        """What an instance prints from now on goes into the log of another name. What is in the old one stays there."""
        self.fifos.rename(was, name, limits)

    def limit(self, name: str, limits: Log) -> None:
        """Keep the logs of an instance by these limits from now on."""
        self.fifos.limit(name, limits)

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
        self._logs.follow(name, follower)

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

    async def finish(self) -> None:
        """All services have ended: write all, forward all, for a bounded time."""
        await self.flush()
        await self.forwards.close()

    async def flush(self) -> None:
        """Wait until all that was printed before is written."""
        await self._ask(self.fifos.drain)

    def close(self) -> bool:
        """Read what is there now, write all, close every FIFO. False when the disk did not take it in time."""
        is_done = self.fifos.close()
        self._readers.shutdown(wait=is_done, cancel_futures=True)
        return is_done

    async def _ask(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._readers, work)
