"""The daemon's sessions with spawner and manager: what we ask of them, what they ask of us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from snowfox.contract.control import Daemon, Kept, ManagerControl, SpawnerControl
from snowfox.contract.start import LONGEST_SHARED, SHARED
from snowfox.core.clock import Clock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Poller, Posix
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.interface import Descriptor, Method
from snowfox.core.rpc.session import Answered as CallAnswered
from snowfox.core.rpc.session import (
    Called,
    Credited,
    Ended,
    Failed,
    Happening,
    Item,
    Leaving,
    StreamEnded,
    Withdrawn,
)
from snowfox.daemon.events import (
    MANAGER,
    SPAWNER,
    Answered,
    Ask,
    Event,
    Lost,
    Refused,
    RejoinAsked,
    Role,
    StopAsked,
)
from snowfox.daemon.keeper import Sockets
from snowfox.daemon.sources import look_tree, open_source, open_tree
from snowfox.errors import ConnectionLost, HostError, NotPermitted, SnowFoxError
from snowfox.values import MOST_INHERITED, Seconds

PING: Final[Seconds] = 2.5
"""Silence after which we ask whether it lives."""
HUNG: Final[Seconds] = 5.0
"""Silence after which it counts as hung."""
AWAKENING: Final[Seconds] = 30.0
"""Silence that is granted to a new process: an interpreter on a busy host takes its time."""

MOST_UNREAD: Final = 4096
"""Bytes of answers that the manager may leave unread before it gets no further file: each is a descriptor of ours."""

_OPENING: Final = {"look_tree", "open_source", "open_tree"}
_LONGEST: Final = 1000  # characters of an error that another process worded
_CALLING: Final = {SPAWNER: SpawnerControl, MANAGER: ManagerControl}
_MAY: Final = {
    SPAWNER: {"followed", "keep", "release"},
    MANAGER: {"environment", "look_tree", "open_source", "open_tree", "rejoin", "stop"},
}


class Project(NamedTuple):
    """What the manager may read of, by asking.

    Args:
        folder: descriptor of the project's folder.
        main: the main file that whoever started us named.
        environment: ours.
    """

    folder: int
    main: str
    environment: Mapping[str, str]


class _Session:
    __slots__ = ("asked", "channel", "heard", "patience", "wants_write")

    def __init__(self, channel: Channel, now: Seconds, patience: Seconds) -> None:
        self.channel = channel
        self.asked: dict[int, Ask] = {}
        self.wants_write = False
        self.heard = now
        self.patience = patience


class Sessions:
    """At most one session with each of the two.

    Args:
        posix: the kernel.
        clock: for deadlines and silence.
        poller: where the sockets are waited for.
        sockets: what is kept for the spawner.
        project: what the manager may read.
        followed: takes the token of a launch whose record names another main process.
    """

    def __init__(
        self,
        posix: Posix,
        clock: Clock,
        poller: Poller,
        *,
        sockets: Sockets,
        project: Project,
        followed: Callable[[str], None],
    ) -> None:
        self._posix = posix
        self._clock = clock
        self._poller = poller
        self._sockets = sockets
        self._project = project
        self._followed = followed
        self._open: dict[Role, _Session] = {}

    def open(self, role: Role, socket: int, *, patience: Seconds = AWAKENING) -> None:
        """Begin a session; the socket is ours from now on. One before is closed.

        Args:
            role: with whom.
            socket: joined with it.
            patience: silence that is granted before its first word.
        """
        self.close(role)
        channel = Channel(
            self._posix,
            socket,
            clock=self._clock,
            serving=Daemon,
            calling=_CALLING[role],
            options=Options(name="daemon", ping_after=PING, dead_after=None, strict=role == MANAGER),
        )
        self._open[role] = _Session(channel, self._clock.now(), patience)
        self._poller.add(socket)

    def close(self, role: Role) -> None:
        """End a session; what was asked in it is not answered any more."""
        session = self._open.pop(role, None)
        if session is not None:
            self._poller.discard(session.channel.socket)
            session.channel.close()

    def role_of(self, descriptor: int) -> Role | None:
        """Whose socket it is."""
        return next((role for role, one in self._open.items() if one.channel.socket == descriptor), None)

    def ask(
        self,
        role: Role,
        what: Ask,
        method: Method[Any, Any],
        *arguments: object,
        deadline: Seconds | None = None,
    ) -> list[Event]:
        """Call a method; the answer comes as an event. Without a session it is refused at once."""
        session = self._open.get(role)
        if session is None:
            _drop(arguments)
            return [Refused(role, what, "it is not there")]
        session.asked[session.channel.call(method, *arguments, deadline=deadline)] = what
        return []

    def ready(self, role: Role) -> list[Event]:
        """Its socket is readable."""
        session = self._open.get(role)
        if session is None:
            return []
        session.heard = self._clock.now()
        session.patience = HUNG
        return self._told(role, session, session.channel.receive())

    def last_words(self, role: Role) -> list[Event]:
        """All that it sent before its process ended; then its session is over."""
        session = self._open.get(role)
        if session is None:
            return []
        events = self._told(role, session, session.channel.receive())
        self.close(role)
        return [event for event in events if not isinstance(event, Lost)]

    def turn(self) -> list[Event]:
        """Once at the end of each turn: deadlines, silence, and what waits to be sent."""
        events: list[Event] = []
        for role, session in list(self._open.items()):
            silence = self._clock.now() - session.heard
            if silence >= session.patience:
                self.close(role)
                events.append(Lost(role, f"nothing was heard of it for {silence:.1f} s", hung=True))
                continue
            events += self._told(role, session, session.channel.tick())
            if self._open.get(role) is session:
                events += self._told(role, session, session.channel.flush())
            if self._open.get(role) is session and session.wants_write != session.channel.wants_write:
                session.wants_write = session.channel.wants_write
                self._poller.change(session.channel.socket, write=session.wants_write)
        return events

    def next_tick(self) -> Seconds | None:
        """When `turn` is due next without anything happening."""
        ticks = [session.channel.next_tick() for session in self._open.values()]
        ends = [session.heard + session.patience for session in self._open.values()]
        return min([*ends, *(tick for tick in ticks if tick is not None)], default=None)

    def _told(self, role: Role, session: _Session, happenings: list[Happening]) -> list[Event]:
        events: list[Event] = []
        is_over = bool(happenings) and isinstance(happenings[-1], Ended)
        for happening in happenings:
            match happening:
                case Called():
                    events += self._serve(role, session.channel, happening)
                case CallAnswered(request, value):
                    events += self._answered(role, session.asked.pop(request, None), value)
                case Failed(request, error):
                    what = session.asked.pop(request, None)
                    # With the session all that was asked fails; its end says more.
                    if what is not None and not is_over:
                        events.append(Refused(role, what, str(error)[:_LONGEST]))
                case Ended(error):
                    self.close(role)
                    reason = "it closed its session" if error is None else str(error)[:_LONGEST]
                    is_hung = error is not None and not isinstance(error, ConnectionLost)
                    events.append(Lost(role, reason, is_hung))
                case Withdrawn() | Item() | StreamEnded() | Credited() | Leaving():
                    pass
                case _:
                    assert_never(happening)
        return events

    def _answered(self, role: Role, what: Ask | None, value: object) -> list[Event]:
        if what is None:
            return []
        if what == "held" and isinstance(value, list):
            for kept in value:  # pyright: ignore[reportUnknownVariableType] - decoded as what `held` declares
                if isinstance(kept, Kept):
                    self._sockets.keep(kept)
        return [Answered(role, what)]

    def _serve(self, role: Role, channel: Channel, called: Called) -> list[Event]:
        name = called.method.rpartition(".")[2]
        try:
            if name not in _MAY[role]:
                msg = f"cannot {name}: not for the {role}"
                raise NotPermitted(msg, "")
            if name in _OPENING and channel.unsent > MOST_UNREAD:
                msg = "cannot open files: the answers before are not read"
                raise HostError(msg, "")
            channel.answer(called.request, self._done(name, called.arguments))
        except SnowFoxError as error:
            channel.refuse(called.request, error)
            return []
        if name == "rejoin":
            return [RejoinAsked()]
        if name != "stop":
            return []
        code, reason, leave = called.arguments
        return [StopAsked(int(code), str(reason)[:_LONGEST], bool(leave))]

    def _done(self, name: str, arguments: tuple[Any, ...]) -> object:
        if name == "keep":
            self._sockets.keep(arguments[0])
        elif name == "release":
            self._sockets.release(arguments[0])
        elif name == "followed":
            self._followed(arguments[0])
        elif name in _OPENING:
            return self._source(name, *arguments)
        elif name == "environment":
            return self._environment(arguments[0])
        elif name == "stop" and arguments[2] and self._posix.own.pid() == 1:
            msg = "cannot leave the services running: this node is process 1, and all processes end with that"
            raise HostError(msg, "stop them, too: snowfox down")
        return None

    def _source(self, name: str, argument: str) -> object:
        folder, main, _ = self._project
        if name == "open_source":
            return open_source(self._posix, argument, folder=folder, main=main)
        part = open_tree if name == "open_tree" else look_tree
        return part(self._posix, argument, folder=folder)

    def _environment(self, names: list[str]) -> dict[str, str]:
        ours = self._project.environment
        found = ((name, ours.get(f"{SHARED}{name}", ours.get(name))) for name in names[:MOST_INHERITED])
        return {name: value for name, value in found if value is not None and _is_sent(value)}


def _is_sent(value: str) -> bool:
    """Whether a message can hold it."""
    try:
        return len(value.encode()) <= LONGEST_SHARED
    except UnicodeEncodeError:  # bytes that are no text
        return False


def _drop(value: object) -> None:
    """Close the descriptors in what cannot be sent."""
    if isinstance(value, Descriptor):
        value.close()
    elif isinstance(value, tuple | list):
        for part in value:  # pyright: ignore[reportUnknownVariableType] - messages hold plain values
            _drop(part)  # pyright: ignore[reportUnknownArgumentType]
