"""A client without asyncio: for the command line, which has no time to load one.

```python
with connect("unix:.snowfox/run/manager.sock") as session:
    session.call(Manager.status, "shop.*")          # NodeStatus
    for step in session.stream(Manager.restart, "web"): ...
```
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from snowfox.core import deadline as deadlines
from snowfox.core.clock import SystemClock
from snowfox.core.rpc.channel import Channel
from snowfox.core.rpc.requests import close_in
from snowfox.core.rpc.session import CLIENT, Answered, Ended, Failed, Happening, Item, StreamEnded
from snowfox.errors import ConnectionLost, DeadlineExceeded

if TYPE_CHECKING:
    from snowfox.core.clock import Clock
    from snowfox.core.posix.api import Posix
    from snowfox.core.rpc.interface import Method
    from snowfox.values import Seconds

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def connect(
    address: str, *, folder: int | None = None, timeout: Seconds = 10.0, posix: Posix | None = None
) -> Generator[Session]:
    """A session with a server; closed when the block is left, which cancels what is under way.

    Args:
        address: `unix:PATH`, `tcp:HOST:PORT`, or `fd:N` for an inherited socket, which is non-blocking and the session's then.
        folder: an open folder that PATH is relative to, for paths of any length.
        timeout: seconds until the other end must have greeted.
        posix: the kernel; None: Linux.

    Raises PosixError when nobody listens there, DeadlineExceeded, ProtocolError for another version.
    """
    if posix is None:
        from snowfox.core.posix.linux import LinuxPosix  # noqa: PLC0415 - a test gives its own

        posix = LinuxPosix()
    kind, _, rest = address.partition(":")
    if kind == "fd":
        socket = int(rest)
    else:
        socket = posix.sockets.connect(rest if kind == "tcp" else address, folder=folder)
    session = Session(posix, socket, SystemClock(), passes=kind != "tcp")
    try:
        session.greet(timeout)
        yield session
    finally:
        session.close()


class Session:
    """One conversation, one call or stream at a time.

    Args:
        posix: the kernel.
        socket: a connected non-blocking stream socket; the session's from now on.
        clock: for deadlines and silence.
        passes: whether it is a unix socket, over which descriptors can be sent.
    """

    def __init__(self, posix: Posix, socket: int, clock: Clock, *, passes: bool = True) -> None:
        self._clock = clock
        self._channel = Channel(
            posix,
            socket,
            clock=clock,
            serving=None,
            calling=None,
            options=CLIENT._replace(passes=passes),
        )
        self._poller = posix.poller()
        self._poller.add(socket)
        self._writing = False
        self._waiting: deque[Happening] = deque()

    def greet(self, timeout: Seconds) -> None:
        """Wait until the other end greeted. Raises DeadlineExceeded, ConnectionLost, ProtocolError."""
        end = self._clock.now() + timeout
        while not self._channel.greeted:
            left = end - self._clock.now()
            if left <= 0:
                raise DeadlineExceeded(f"cannot talk to the other end: no greeting in {timeout:g} s")
            self._turn(left)
            self._raise_end()

    def call(self, method: Method[P, R], *values: P.args, **named: P.kwargs) -> R:
        """Ask, and wait for the answer until the method's deadline.

        Raises what the other end raised, DeadlineExceeded, ConnectionLost.
        """
        request = self._ask(method, values, named)
        while True:
            match self._next():
                case Answered(found, value) if found == request:
                    return cast("R", value)
                case Failed(found, error) if found == request:
                    raise error
                case Ended(error):
                    raise error or ConnectionLost("the session ended")
                case other:
                    _drop(other)

    def stream(self, method: Method[P, R], *values: P.args, **named: P.kwargs) -> Iterator[R]:
        """Ask, and yield items as they come; leaving the loop early cancels. Raises as `call`."""
        request = self._ask(method, values, named)
        done = False
        try:
            while True:
                match self._next():
                    case Item(found, value, size) if found == request:
                        yield cast("R", value)
                        self._channel.took(request, size)
                    case StreamEnded(found) if found == request:
                        done = True
                        return
                    case Failed(found, error) if found == request:
                        done = True
                        raise error
                    case Ended(error):
                        done = True
                        raise error or ConnectionLost("the session ended")
                    case other:
                        _drop(other)
        finally:
            if not done:
                self._channel.cancel(request)

    def close(self) -> None:
        """End it; descriptors that came and were not read are closed. A second time is fine."""
        self._channel.close()
        self._poller.close()
        while self._waiting:
            _drop(self._waiting.popleft())

    def _ask(self, method: Method[Any, Any], values: tuple[Any, ...], named: dict[str, Any]) -> int:
        self._raise_end()
        left = method.deadline
        until = deadlines.current()
        if until != deadlines.NO_END:
            left = max(0.0, min(until - self._clock.now(), deadlines.NO_END if left is None else left))
        request = self._channel.call(method, *method.bind(values, named), deadline=left)
        self._waiting.extend(self._channel.flush())
        return request

    def _next(self) -> Happening:
        while not self._waiting:
            self._turn(None)
        return self._waiting.popleft()

    def _turn(self, most: Seconds | None) -> None:
        channel = self._channel
        end = channel.next_tick()
        if end is not None:
            end = max(0.0, end - self._clock.now())
        if most is not None and (end is None or most < end):
            end = most
        if channel.wants_write != self._writing:
            self._writing = channel.wants_write
            self._poller.change(channel.socket, write=self._writing)
        if self._poller.wait(end):
            self._waiting.extend(channel.receive())
        self._waiting.extend(channel.tick())
        self._waiting.extend(channel.flush())

    def _raise_end(self) -> None:
        for happening in self._waiting:
            if isinstance(happening, Ended):
                raise happening.error or ConnectionLost("the other end closed the session")


def _drop(happening: Happening) -> None:
    """Of a call or stream that was left: nobody reads it any more."""
    if isinstance(happening, (Answered, Item)):
        close_in(happening.value)
