"""Who gets what services print besides their logs. All in the loop.

One forwarder for each place, whatever the number of logs that go there: a bounded queue (`follower.Follower`) and a
task. A place that does not take lines is tried again, later and later; meanwhile the queue fills, and what comes beyond
is skipped and told, there as well. Nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from snowfox.core.backoff import Backoff
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Posix
from snowfox.errors import InternalError, SnowFoxError
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.forward.command import Command
from snowfox.manager.output.forward.journal import SOCKET, Journal
from snowfox.manager.output.forward.sink import Sink
from snowfox.manager.output.forward.syslog import Syslog
from snowfox.manager.output.logs import Logs
from snowfox.service.spec import Forward
from snowfox.values import Exit

RunCommand = Callable[[str, tuple[str, ...], Callable[[int], None]], Awaitable[Exit]]
"""Runs a command beside an instance; the function gets the write end of what it reads."""
_RETRY: Final = Backoff(0.2, 2.0, 30.0)
_AT_END: Final = 2.0

_log: Final = get("manager.output")


class _Place(NamedTuple):
    """Where lines go: what kind, the address or words, details."""

    kind: str
    where: tuple[str, ...]
    detail: str = ""
    service: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(self.where)}".rstrip()


class Forwarder:
    """Sends what comes of some logs to a place."""

    def __init__(self, place: _Place, sink: Sink, loop: asyncio.AbstractEventLoop) -> None:
        self.place = place
        self.follower = Follower(loop)
        self.logs: set[str] = set()
        self.problem = ""
        self._sink = sink
        self._is_busy = False
        self._task = loop.create_task(self._run(), name=f"forward to {place}")

    async def end(self, within: float) -> None:
        """Send what is there, as long as that lasts no longer; then nothing more."""
        try:
            async with asyncio.timeout(within):
                while not self.problem and (self._is_busy or self.follower.is_waiting):  # noqa: ASYNC110 - bounded
                    await asyncio.sleep(0.005)
        except TimeoutError:
            _log.warning("not all output was forwarded", place=str(self.place))
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(within):
                await self._sink.close()
        except (SnowFoxError, OSError) as error:
            _log.warning("what was forwarded may not have arrived", place=str(self.place), error=str(error))

    def cancel(self) -> None:
        """End without waiting for anything."""
        self._task.cancel()

    async def _run(self) -> None:
        random = Random()  # noqa: S311 - for pauses
        while True:
            lines = await self.follower.take()
            self._is_busy = True
            attempt = 0
            while True:
                try:
                    await self._sink.send(lines)
                    break
                except (SnowFoxError, OSError) as error:
                    attempt += 1
                    if not self.problem:
                        _log.warning("cannot forward output", place=str(self.place), error=str(error))
                    self.problem = str(error) or type(error).__name__
                    await asyncio.sleep(_RETRY.delay(attempt, random))
            self.problem = ""
            self._is_busy = False


class Forwards:
    """All forwarders of a node.

    Args:
        posix: the kernel.
        logs: the logs that are followed.
        loop: the loop.
    """

    def __init__(self, posix: Posix, logs: Logs, loop: asyncio.AbstractEventLoop) -> None:
        self._posix = posix
        self._logs = logs
        self._loop = loop
        self._known: dict[_Place, Forwarder] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.run: RunCommand = _nobody
        self.journal = SOCKET

    @property
    def problems(self) -> dict[str, str]:
        """By the place, why nothing can be sent there just now."""
        return {str(one.place): one.problem for one in self._known.values() if one.problem}

    def want(self, log: str, forward: Forward) -> None:
        """What comes of a log goes to these places, and to no others."""
        if not self._known and forward == _NOWHERE:
            return
        wanted = _places(log, forward)
        for place, forwarder in list(self._known.items()):
            if log in forwarder.logs and place not in wanted:
                self._leave(forwarder, log)
        for place in wanted:
            if place not in self._known:
                self._known[place] = Forwarder(place, self._sink(place, log), self._loop)
            forwarder = self._known[place]
            if log not in forwarder.logs:
                forwarder.logs.add(log)
                forwarder.follower.begin(log)
                self._logs.follow(log, forwarder.follower)

    async def close(self) -> None:
        """Send what is there, for a bounded time, and end."""
        forwarders = list(self._known.values())
        self._known.clear()
        if forwarders:
            await asyncio.gather(*(one.end(_AT_END) for one in forwarders))
        if self._ending:
            await asyncio.wait(self._ending, timeout=_AT_END)

    def drop(self) -> None:
        """End all now."""
        for forwarder in self._known.values():
            forwarder.cancel()
        self._known.clear()

    def _leave(self, forwarder: Forwarder, log: str) -> None:
        forwarder.logs.discard(log)
        self._logs.unfollow(forwarder.follower, log)
        if not forwarder.logs:
            del self._known[forwarder.place]
            task = self._loop.create_task(forwarder.end(_AT_END))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _sink(self, place: _Place, log: str) -> Sink:
        if place.kind == "syslog":
            return Syslog(self._posix, place.where[0], place.detail)
        if place.kind == "journal":
            return Journal(self._posix, self.journal)
        instance = log.partition("/")[0]
        return Command(
            self._posix,
            lambda feed: self.run(instance, place.where, feed),
            as_json=place.detail == "json",
        )


_NOWHERE: Final = Forward()


def _places(log: str, forward: Forward) -> set[_Place]:
    found: set[_Place] = set()
    if forward.syslog:
        found.add(_Place("syslog", (forward.syslog,), forward.facility))
    if forward.journal:
        found.add(_Place("journal", ()))
    if forward.command:
        service = log.partition("/")[0].partition("@")[0]
        found.add(_Place("command", forward.command, forward.form, service))
    return found


async def _nobody(_instance: str, _words: tuple[str, ...], _feed: Callable[[int], None]) -> Exit:
    msg = "nobody runs commands yet"
    raise InternalError(msg)
