"""The spawner's sessions: with its daemon, and with the manager that the daemon attaches.

Requests wait and are taken a few at a time, the daemon's first, so that a thousand launches asked at once hold up neither
it nor the ends of processes. The manager is not ours to trust: while many of its requests wait it is not read,
and while it leaves answers unread its requests wait; so neither memory nor descriptors grow with what it sends.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from snowfox.contract.control import Daemon, SpawnerControl
from snowfox.contract.spawner import ExitReports, Spawner
from snowfox.core import log
from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Poller, Posix
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.interface import Interface, Method
from snowfox.core.rpc.session import Answered, Called, Ended, Failed, Happening
from snowfox.errors import ConnectionLost, SnowFoxError
from snowfox.spawner.events import Caller, DaemonWent, ManagerWent, NotAnswered
from snowfox.spawner.rate import Bucket
from snowfox.values import Seconds

DAEMON: Final = "daemon"
MANAGER: Final = "manager"

MOST_WAITING: Final = 64
"""Requests of the manager that wait before no more of them are read."""

MOST_UNREAD: Final = 64 << 10
"""Bytes of answers that the manager may leave unread before the next request is taken."""

_COMPLAINTS: Final = (20, 0.2)
_LONGEST: Final = 300  # characters of an error that another process worded

_log = log.get("spawner")


class Request(NamedTuple):
    """A request whose turn it is: who asked, by which session, what."""

    role: str
    caller: Caller
    called: Called


class _Session:
    __slots__ = ("asked", "channel", "number", "role", "waiting", "wants_write")

    def __init__(self, role: str, number: int, channel: Channel) -> None:
        self.role = role
        self.number = number
        self.channel = channel
        self.waiting: deque[Called] = deque()
        self.asked: dict[int, str] = {}
        self.wants_write = False

    @property
    def is_next(self) -> bool:
        """Whether a request of it may be taken."""
        return bool(self.waiting) and (self.role == DAEMON or self.channel.unsent <= MOST_UNREAD)


class Sessions:
    """At most one session with each of the two."""

    def __init__(self, posix: Posix, clock: Clock, poller: Poller) -> None:
        self._posix = posix
        self._clock = clock
        self._poller = poller
        self._open: dict[int, _Session] = {}
        self._last = 0
        self._over: deque[DaemonWent | ManagerWent | NotAnswered] = deque()
        self._complaints = Bucket(*_COMPLAINTS, clock.now())

    def begin(self, role: str, socket: int) -> None:
        """Begin a session; the socket is ours from now on. One before, with the same, is closed without a word."""
        self.end(role)
        serving: type[Interface] = SpawnerControl if role == DAEMON else Spawner
        calling: type[Interface] = Daemon if role == DAEMON else ExitReports
        options = Options(name=role, ping_after=None, dead_after=None, strict=role == MANAGER)
        channel = Channel(
            self._posix, socket, clock=self._clock, serving=serving, calling=calling, options=options
        )
        self._last += 1
        self._open[self._last] = _Session(role, self._last, channel)
        self._poller.add(socket)

    def end(self, role: str) -> None:
        """End a session; what it asked is not answered any more."""
        session = self._with(role)
        if session is not None:
            self._close(session)

    def owns(self, descriptor: int) -> bool:
        """Whether it is the socket of a session."""
        return self._by_socket(descriptor) is not None

    def readable(self, descriptor: int) -> None:
        """Read what came."""
        session = self._by_socket(descriptor)
        if session is not None and (session.role == DAEMON or len(session.waiting) < MOST_WAITING):
            self._happened(session, session.channel.receive())

    @property
    def has_work(self) -> bool:
        """Whether a request can be taken or a session ended."""
        return bool(self._over) or any(session.is_next for session in self._open.values())

    def take(self) -> Request | DaemonWent | ManagerWent | NotAnswered | None:
        """The next that waits; None when there is nothing."""
        if self._over:
            return self._over.popleft()
        found: _Session | None = None
        for session in self._open.values():
            if session.is_next and (found is None or session.role == DAEMON):
                found = session
        if found is None:
            return None
        called = found.waiting.popleft()
        return Request(found.role, Caller(found.number, called.request), called)

    def is_open(self, caller: Caller) -> bool:
        """Whether who asked is still there."""
        return caller.session in self._open

    def answer(self, caller: Caller, value: object) -> None:
        """Answer; in vain when the session is over."""
        session = self._open.get(caller.session)
        if session is not None:
            session.channel.answer(caller.request, value)

    def refuse(self, caller: Caller, error: SnowFoxError) -> None:
        """Answer with an error; in vain when the session is over."""
        session = self._open.get(caller.session)
        if session is not None:
            session.channel.refuse(caller.request, error)

    def expel(self, caller: Caller, error: SnowFoxError) -> None:
        """Say why, then end the session: its peer broke the protocol."""
        session = self._open.get(caller.session)
        if session is None:
            return
        _log.error("ended a session", role=session.role, why=str(error))
        session.channel.refuse(caller.request, error)
        session.channel.flush()
        if session.number in self._open:
            self._lose(session)

    def tell(self, role: str, method: Method[Any, Any], *arguments: object) -> None:
        """Call a method of the other end, where it is there; what it answers is not waited for."""
        session = self._with(role)
        if session is not None:
            session.channel.call(method, *arguments)

    def ask_who_follows(self, token: str) -> None:
        """Ask the manager; where it cannot answer, `take` gives NotAnswered. With the session the question is over, too."""
        session = self._with(MANAGER)
        if session is not None:
            session.asked[session.channel.call(ExitReports.leaving, token)] = token

    def turn(self) -> bool:
        """Once at the end of each turn: deadlines, and what waits to be sent. Whether anything still waits to be sent."""
        for session in list(self._open.values()):
            self._happened(session, session.channel.tick())
            if session.number in self._open:
                self._happened(session, session.channel.flush())
            if session.number in self._open and session.wants_write != session.channel.wants_write:
                session.wants_write = session.channel.wants_write
                self._poller.change(session.channel.socket, write=session.wants_write)
        return any(session.wants_write for session in self._open.values())

    def next_tick(self) -> Seconds | None:
        """When `turn` is due next without anything happening."""
        ticks = [session.channel.next_tick() for session in self._open.values()]
        return min((tick for tick in ticks if tick is not None), default=None)

    def _happened(self, session: _Session, happenings: list[Happening]) -> None:
        for happening in happenings:
            match happening:
                case Called():
                    session.waiting.append(happening)
                case Answered(request=request):
                    session.asked.pop(request, None)
                case Failed(request=request, error=error):
                    token = session.asked.pop(request, None)
                    if token is not None and not isinstance(error, ConnectionLost):
                        self._over.append(NotAnswered(token))
                    if self._complaints.take(self._clock.now()):
                        _log.warning("a call failed", role=session.role, error=str(error)[:_LONGEST])
                case Ended(error=error):
                    why = "" if error is None else str(error)[:_LONGEST]
                    _log.info("session ended", role=session.role, error=why)
                    self._lose(session)
                case _:
                    pass

    def _lose(self, session: _Session) -> None:
        self._close(session)
        self._over.append(DaemonWent() if session.role == DAEMON else ManagerWent())

    def _close(self, session: _Session) -> None:
        self._poller.discard(session.channel.socket)
        session.channel.close()
        del self._open[session.number]

    def _with(self, role: str) -> _Session | None:
        return next((session for session in self._open.values() if session.role == role), None)

    def _by_socket(self, descriptor: int) -> _Session | None:
        return next((one for one in self._open.values() if one.channel.socket == descriptor), None)
