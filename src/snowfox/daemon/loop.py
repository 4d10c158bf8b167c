"""The daemon's thin loop: waits, tells the core what happened, performs what it wants. One thread, no decisions."""

from __future__ import annotations

import signal
from collections import deque
from typing import Final

from snowfox.contract.control import ManagerControl, SpawnerControl, Welcome
from snowfox.contract.start import HOME, NODE_LOG
from snowfox.core.clock import Timers
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Poller, Posix
from snowfox.core.rpc.interface import Descriptor
from snowfox.daemon.children import Children
from snowfox.daemon.core import Core
from snowfox.daemon.ear import Ear
from snowfox.daemon.events import (
    MANAGER,
    SPAWNER,
    Arm,
    AskKill,
    AskStop,
    Disarm,
    Dismiss,
    Due,
    Effect,
    Ended,
    Event,
    Finish,
    Greet,
    Join,
    Kill,
    Note,
    NotStarted,
    Refused,
    Report,
    Restore,
    Role,
    Start,
    Started,
    StopSignalled,
    TakeOver,
    TellOrphan,
)
from snowfox.daemon.keeper import Sockets
from snowfox.daemon.node_log import NodeLog
from snowfox.daemon.reporter import Reporter
from snowfox.daemon.sessions import Sessions
from snowfox.daemon.steady import SteadyClock
from snowfox.errors import SnowFoxError
from snowfox.values import Seconds, signal_name

_SOON: Final[Seconds] = 1.0
_QUICK: Final[Seconds] = 10.0
_LONG: Final[Seconds] = 30.0
_STOP: Final[Seconds] = 600.0

_log = get("daemon")


class Offer(NamedTuple):
    """What every manager of this daemon gets; descriptors are duplicated for each.

    Args:
        welcome: all but descriptors, which are filled in.
        listener: of `run/manager.sock`.
        notify: the datagram socket of readiness.
        logs: the folder for output.
    """

    welcome: Welcome
    listener: int
    notify: int
    logs: int


class Loop:
    """Runs a node until the core says that it is over.

    Args:
        posix: the kernel.
        clock: a steady clock, which this loop drives.
        poller: what is waited with; the sessions use it too.
        core: who decides.
        hands: children, sessions, kept sockets, what managers get, the log, and who is told of the start.
        signals: the descriptor of watched signals.
    """

    def __init__(
        self, posix: Posix, clock: SteadyClock, poller: Poller, *, core: Core, hands: Hands, signals: int
    ) -> None:
        self._posix = posix
        self._clock = clock
        self._poller = poller
        self._core = core
        self._hands = hands
        self._signals = signals
        self._timers: Timers[str] = Timers()
        self._armed: dict[str, int] = {}
        self._waiting: deque[Event] = deque()
        self._pidfds: dict[int, Role] = {}
        self._ears: dict[int, Ear] = {}
        self._end: Finish | None = None
        self._is_more = True  # a viewer may have ended before SIGCHLD was watched

    def run(self, first: Event) -> Finish:
        """Begin with this event; how it ended."""
        self._poller.add(self._signals)
        self._watch(SPAWNER)
        self._waiting.append(first)
        while True:
            self._decide()
            self._waiting += self._hands.sessions.turn()
            self._hands.log.trim()
            if self._end is not None:
                return self._end
            if not self._waiting:
                self._wait()

    def _decide(self) -> None:
        while self._waiting and self._end is None:
            for effect in self._core.handle(self._waiting.popleft(), self._clock.now()):
                try:
                    self._perform(effect)
                except SnowFoxError as error:  # out of descriptors, for one
                    self._waiting.append(_failed(effect, str(error)))

    def _wait(self) -> None:
        timeout = self._timeout()
        before = self._clock.lost
        self._clock.waits(timeout)
        ready = self._poller.wait(timeout)
        self._clock.works()
        if self._clock.lost != before:
            _log.warning(
                "was stopped myself, so nobody counts as silent", seconds=round(self._clock.lost - before, 1)
            )
        is_child = self._is_more
        for descriptor, _, _ in ready:
            is_child = self._happened(descriptor) or is_child
        if is_child:
            told, self._is_more = self._hands.children.reap()
            self._waiting += told
        for descriptor, _, _ in ready:
            if descriptor in self._pidfds:
                self._gone(descriptor)
        for timer in self._timers.due(self._clock.now()):
            self._armed.pop(timer, None)
            self._waiting.append(Due(timer))

    def _timeout(self) -> Seconds | None:
        if self._is_more:
            return 0.0
        moments = [
            moment for moment in (self._timers.next(), self._hands.sessions.next_tick()) if moment is not None
        ]
        return max(0.0, min(moments) - self._clock.now()) if moments else None

    def _happened(self, descriptor: int) -> bool:
        """Whether children may have ended."""
        if descriptor == self._signals:
            numbers = self._posix.signals.take(self._signals)
            stopping = [number for number in numbers if number in self._hands.stopping]
            self._waiting += [StopSignalled(signal_name(number)) for number in stopping]
            return signal.SIGCHLD in numbers
        if descriptor in self._ears:
            self._hear(descriptor)
            return False
        role = self._hands.sessions.role_of(descriptor)
        if role is not None:
            self._waiting += self._hands.sessions.ready(role)
        return descriptor in self._pidfds

    def _gone(self, pidfd: int) -> None:
        role = self._pidfds.pop(pidfd)
        self._waiting += self._hands.sessions.last_words(role)
        self._poller.discard(pidfd)
        self._waiting.append(Ended(role, str(self._hands.children.ended(role))))

    def _hear(self, descriptor: int) -> None:
        if not self._ears[descriptor].hear():
            self._poller.discard(descriptor)
            self._ears.pop(descriptor).close()

    def _watch(self, role: Role) -> None:
        pidfd = self._hands.children.pidfd(role)
        if pidfd >= 0:
            self._poller.add(pidfd)
            self._pidfds[pidfd] = role

    def _perform(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one line for each of a closed set
        sessions = self._hands.sessions
        match effect:
            case Start(role):
                self._start(role)
            case Kill(role):
                sessions.close(role)
                self._hands.children.kill(role)
            case Dismiss(role):
                self._waiting += sessions.turn()
                sessions.close(role)
            case Greet(joined):
                self._greet(joined=joined)
            case Join():
                self._join()
            case Restore():
                for batch in self._hands.sockets.batches():
                    self._waiting += sessions.ask(SPAWNER, "restore", SpawnerControl.restore, batch)
            case TakeOver():
                self._waiting += sessions.ask(SPAWNER, "held", SpawnerControl.held, deadline=_QUICK)
            case TellOrphan(token, exit):
                self._waiting += sessions.ask(SPAWNER, "orphan", SpawnerControl.orphan, token, exit)
            case AskStop(role, leave):
                control = SpawnerControl if role == SPAWNER else ManagerControl
                deadline = _QUICK if leave else _LONG if role == SPAWNER else _STOP
                method = control.leave if leave else control.stop
                self._waiting += sessions.ask(role, "stop", method, deadline=deadline)
            case AskKill():
                self._waiting += sessions.ask(MANAGER, "kill", ManagerControl.kill, deadline=_SOON)
            case Arm(timer, seconds):
                self._disarm(timer)
                self._armed[timer] = self._timers.add(self._clock.now() + seconds, timer)
            case Disarm(timer):
                self._disarm(timer)
            case Report(word, text):
                self._hands.reporter.report(word, text, "" if word == "up" else f"see {HOME}/{NODE_LOG}")
            case Note(text, is_warning):
                (_log.warning if is_warning else _log.info)(text)
            case Finish():
                self._end = effect

    def _disarm(self, timer: str) -> None:
        armed = self._armed.pop(timer, None)
        if armed is not None:
            self._timers.cancel(armed)

    def _start(self, role: Role) -> None:
        self._hands.sessions.open(role, self._hands.children.start(role))
        self._watch(role)
        ear = self._hands.children.new_ear()
        if ear is not None:
            self._poller.add(ear.descriptor)
            self._ears[ear.descriptor] = ear
        self._waiting.append(Started(role))

    def _greet(self, *, joined: bool) -> None:
        offer = self._hands.offer
        given: list[Descriptor] = []
        try:
            for descriptor in (offer.listener, offer.notify, offer.logs):
                given.append(Descriptor(self._posix.files.duplicate(descriptor), self._posix))  # noqa: PERF401 - closed when one fails
            given += [Descriptor(end, self._posix) for end in self._posix.sockets.pair()]
        except SnowFoxError:
            for one in given:
                one.close()
            raise
        listener, notify, logs, spawner, end = given
        welcome = offer.welcome._replace(listener=listener, notify=notify, logs=logs, spawner=spawner)
        sessions = self._hands.sessions
        self._waiting += sessions.ask(MANAGER, "welcome", ManagerControl.welcome, welcome, deadline=_LONG)
        if joined:
            self._waiting += sessions.ask(SPAWNER, "attach", SpawnerControl.attach, end, deadline=_LONG)
        else:  # the manager sees that nobody is there, and is joined when a spawner comes
            end.close()

    def _join(self) -> None:
        sessions = self._hands.sessions
        managers, spawners = (Descriptor(end, self._posix) for end in self._posix.sockets.pair())
        self._waiting += sessions.ask(MANAGER, "attach", ManagerControl.attach, managers, deadline=_LONG)
        self._waiting += sessions.ask(SPAWNER, "attach", SpawnerControl.attach, spawners, deadline=_LONG)


def _failed(effect: Effect, error: str) -> Event:
    """What an effect that the kernel refused comes back as."""
    match effect:
        case Start(role):
            return NotStarted(role, error)
        case Greet():
            return Refused(MANAGER, "welcome", error)
        case Join() | Restore() | TakeOver():
            return Refused(SPAWNER, "attach", error)
        case _:
            return Refused(SPAWNER, "orphan", error)  # only noted


class Hands(NamedTuple):
    """What the loop does things with; `stopping` are the signals that stop the node in order."""

    children: Children
    sessions: Sessions
    sockets: Sockets
    offer: Offer
    log: NodeLog
    reporter: Reporter
    stopping: frozenset[int]
