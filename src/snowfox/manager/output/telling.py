"""What is in the logs, told in order: one after the other, or several merged by their times."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import partial
from heapq import heapify, heappop, heapreplace
from itertools import islice
from typing import Any, Final, Protocol

from snowfox.contract.manager import LogLine
from snowfox.core.named import NamedTuple
from snowfox.manager.output.files import Place
from snowfox.manager.output.follower import Follower, lines_of
from snowfox.manager.output.logs import Logs
from snowfox.manager.output.reading import Piece

_BATCH: Final = 64
_TOGETHER: Final = 64


class Wanted(NamedTuple):
    """What is wanted of logs.

    Args:
        lines: the last of each log; -1: all.
        since: wall clock ms; 0: from its beginning.
        until: wall clock ms; 0: up to its end.
    """

    lines: int
    since: int = 0
    until: int = 0


class Tail(NamedTuple):
    """The last lines of a log: pairs of (time in ms, line without newline), and what follows the last newline."""

    lines: list[tuple[int, bytes]]
    rest: bytes
    rest_at: int


class Asks(Protocol):
    """Has something done in a thread that may wait for the disk."""

    def __call__(self, work: Callable[[], Any]) -> Awaitable[Any]:
        """What it returns."""
        ...


class _Log:
    """A log that is told. All but `pieces` is called in threads."""

    def __init__(self, logs: Logs, name: str, wanted: Wanted, follower: Follower | None) -> None:
        self._reading = logs.reading(name, until=wanted.until, follower=follower)
        self._until = wanted.until
        self._with_rest = follower is None
        self._steps: Iterator[Piece] = self._reading.pieces(self._begin(wanted))
        self.name = name
        self.pieces: deque[Piece] = deque()
        self.fill()

    def fill(self) -> None:
        """Read more pieces; there are none any more when it stays empty."""
        self.pieces.extend(islice(self._steps, _BATCH))
        reading = self._reading
        if self.pieces or not self._with_rest:
            return
        self._with_rest = False
        if reading.rest and not (self._until and reading.rest_at > self._until):
            self.pieces.append(Piece(reading.rest_at, reading.rest, is_part=False))

    def close(self) -> None:
        """Let go of the file that is read."""
        close = getattr(self._steps, "close", None)
        if close is not None:
            close()

    @property
    def rest(self) -> bytes:
        """What follows the last newline, once all is told."""
        return self._reading.rest

    def _begin(self, wanted: Wanted) -> Place:
        reading = self._reading
        since = reading.since(wanted.since) if wanted.since else None
        if wanted.lines < 0:
            return reading.first() if since is None else since
        last = reading.last(wanted.lines, with_rest=self._with_rest)
        return last if since is None else max(last, since, key=lambda place: place[:2])


async def told(
    logs: Logs, names: list[str], wanted: Wanted, *, ask: Asks, follower: Follower | None
) -> AsyncGenerator[LogLine, None]:
    """What logs hold, in the order of time; then the follower begins. Raises PosixError, HostError."""
    sources: list[_Log] = []
    try:
        for begin in range(0, len(names), _TOGETHER):
            sources += await ask(partial(_begun, logs, names[begin : begin + _TOGETHER], wanted, follower))
        heap = [(log.pieces[0].at, number) for number, log in enumerate(sources) if log.pieces]
        heapify(heap)
        while heap:
            _, number = heap[0]
            log = sources[number]
            piece = log.pieces.popleft()
            for line in lines_of(log.name, [piece]):
                yield line
            if not log.pieces:
                await ask(log.fill)
            if not log.pieces:
                heappop(heap)
            elif not piece.is_part:  # the rest of a line comes before anybody else's, whatever its time
                heapreplace(heap, (log.pieces[0].at, number))
        if follower is not None:
            for log in sources:
                follower.begin(log.name, log.rest)
    finally:
        await ask(partial(_close, sources))


def _begun(logs: Logs, names: list[str], wanted: Wanted, follower: Follower | None) -> list[_Log]:
    return [_Log(logs, name, wanted, follower) for name in names]


def _close(sources: list[_Log]) -> None:
    for log in sources:
        log.close()


def tail_of(logs: Logs, name: str, lines: int) -> Tail:
    """The last lines of a log and what follows them. Raises PosixError, HostError."""
    reading = logs.reading(name)
    found: list[tuple[int, bytes]] = []
    carried = b""
    for piece in reading.pieces(reading.last(lines, with_rest=False)):
        if piece.is_part:
            carried += piece.text
            continue
        for text in piece.text.split(b"\n"):
            found.append((piece.at, carried + text))
            carried = b""
    return Tail(found, carried + reading.rest, reading.rest_at)
