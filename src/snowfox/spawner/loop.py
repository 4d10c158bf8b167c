"""The thin loop: waits, tells the core what happened, does what it wants. One thread, no decisions."""

from __future__ import annotations

import signal
from collections import deque
from math import inf
from typing import Final, assert_never

from snowfox.contract.control import Daemon
from snowfox.contract.spawner import Ended, ExitReports, Launched, Running
from snowfox.core import log
from snowfox.core.clock import Timers
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Poller, Posix
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.trace import within
from snowfox.errors import HostError, PosixError
from snowfox.spawner import requests
from snowfox.spawner.adoption import Adoption
from snowfox.spawner.core import Core
from snowfox.spawner.events import (
    Answer,
    AnswerInventory,
    AnswerLaunched,
    AskWhoFollows,
    AwaitDaemon,
    Begin,
    Bury,
    Caller,
    CloseManager,
    DaemonCame,
    Effect,
    Event,
    FindExit,
    Finish,
    Follow,
    Followed,
    Forget,
    Kill,
    Listed,
    Refuse,
    Report,
    SetStopTimer,
    Signal,
    StopOverdue,
    TerminationAsked,
)
from snowfox.spawner.exits import Exits
from snowfox.spawner.held import Kit
from snowfox.spawner.launching import Launching
from snowfox.spawner.leftovers import Leftovers
from snowfox.spawner.serving import Serving
from snowfox.spawner.sessions import DAEMON, MANAGER, Request, Sessions
from snowfox.spawner.succession import Succession
from snowfox.values import Seconds

AT_ONCE: Final = 16
"""Requests that are handled before the loop looks again what else happened."""

AT_A_TIME: Final = 64
"""Descriptors that are looked at before it is told what came of that, so that the manager works while we look at others."""

TURN: Final[Seconds] = 0.1
"""Time after which it does so sooner: some requests take long, and the daemon wants to hear of us."""

SWEEP_AFTER: Final[Seconds] = 0.2
"""How long after a kill /proc is looked through for the rest of a session."""

LOOK_AGAIN: Final[Seconds] = 0.05
"""How long until an exit that others write down, or a lock, is looked at again."""

LAST_WORDS: Final[Seconds] = 2.0
"""How long the last answers may take to be sent."""

_SWEEP, _LOOK, _OVERDUE, _LINGER = "sweep", "look", "overdue", "linger"
_log = log.get("spawner")


class Parts(NamedTuple):
    """What the loop drives."""

    poller: Poller
    sessions: Sessions
    desk: requests.Desk
    launching: Launching
    exits: Exits
    adoption: Adoption
    leftovers: Leftovers
    succession: Succession


class Loop:
    """Runs until the core says that it is over.

    Args:
        kit: the kernel, the clock, and all launches.
        parts: who does what.
        events: where `kit.say` puts events.
        listener: where a new daemon comes when the old one died.
        signals: the descriptor of watched signals.
    """

    def __init__(self, kit: Kit, parts: Parts, *, events: deque[Event], listener: int, signals: int) -> None:
        self._kit = kit
        self._posix = kit.posix
        self._parts = parts
        self._events = events
        self._listener = listener
        self._signals = signals
        self._core = Core()
        self._timers: Timers[str] = Timers()
        self._armed: dict[str, Seconds] = {}
        self._last_sweep: Seconds = 0.0
        self._ends: list[Ended] = []
        self._awaits_daemon = False
        self._is_over = False
        self._serving = Serving(kit.posix, parts.desk, parts.sessions, events)

    @property
    def is_over(self) -> bool:
        """Whether the core said that it is."""
        return self._is_over

    def run(self) -> None:
        """Adopt what is there, then serve until the end."""
        self.begin()
        while not self._is_over:
            self.turn()
        until = self._kit.clock.now() + LAST_WORDS
        while self._parts.sessions.turn() and self._kit.clock.now() < until:
            self._parts.poller.wait(0.1)

    def begin(self) -> None:
        """Adopt what is there."""
        self._parts.poller.add(self._signals)
        self._parts.adoption.begin()
        self._decide()

    def turn(self, *, most: Seconds | None = None) -> None:
        """Wait until something happens (or for so many seconds), and deal with it."""
        self._arm()
        self._wait(most)
        self._work()
        self._parts.launching.settle()
        self._parts.launching.look(others_wait=self._parts.sessions.has_work)
        self._decide()
        self._report()
        self._parts.sessions.turn()

    def _arm(self) -> None:
        parts = self._parts
        if parts.exits.wants_end:
            self._set(_LINGER, parts.exits.patience())
        if parts.leftovers.wants_sweep:
            # With very many processes a look through /proc takes long: it gets a sixth of our time at most.
            self._set(_SWEEP, SWEEP_AFTER + 5 * self._last_sweep)
        if parts.exits.wants_look or parts.adoption.wants_look:
            self._set(_LOOK, LOOK_AGAIN)

    def _set(self, name: str, seconds: Seconds) -> None:
        due = self._kit.clock.now() + seconds
        if due < self._armed.get(name, inf):  # one that was set for later is due once more
            self._armed[name] = due
            self._timers.add(due, name)

    def _wait(self, most: Seconds | None) -> None:
        sessions, held = self._parts.sessions, self._kit.held
        for descriptor, is_readable, _ in self._parts.poller.wait(self._timeout(most), most=AT_A_TIME):
            token = held.whose(descriptor)
            if token is not None:
                self._parts.launching.readable(descriptor, token)
                self._decide()
            elif sessions.owns(descriptor):
                if is_readable:
                    sessions.readable(descriptor)
            elif descriptor == self._signals:
                self._signalled()
            elif self._parts.desk.knocks.heard(descriptor):
                continue
            elif (key := self._parts.desk.knocks.came(descriptor)) is not None:
                sessions.tell(MANAGER, ExitReports.wanted, key)
            elif descriptor == self._listener and self._awaits_daemon:
                self._daemon_came()

    def _timeout(self, most: Seconds | None) -> Seconds | None:
        if self._parts.sessions.has_work:
            return 0
        now = self._kit.clock.now()
        moments = (self._timers.next(), self._parts.sessions.next_tick())
        times = [time - now for time in moments if time is not None]
        if most is not None:
            times.append(most)
        return max(0.0, min(times)) if times else None

    def _work(self) -> None:
        for name in self._timers.due(self._kit.clock.now()):
            self._armed.pop(name, None)
            self._due(name)
            self._decide()
        until = self._kit.clock.now() + TURN
        for done in range(AT_ONCE):
            if done and self._kit.clock.now() >= until:
                return
            waiting = self._parts.sessions.take()
            if waiting is None or self._is_over:
                return
            if isinstance(waiting, Request):
                with within(waiting.called.trace):
                    self._serving.serve(waiting)
            else:
                self._events.append(waiting)
            self._decide()

    def _due(self, name: str) -> None:
        if name == _SWEEP:
            began = self._kit.clock.now()
            self._parts.leftovers.sweep()
            self._last_sweep = self._kit.clock.now() - began
        elif name == _LOOK:
            self._parts.exits.look_again()
            self._parts.adoption.look_again()
        elif name == _LINGER:
            self._parts.exits.look_for_end()
        else:
            self._events.append(StopOverdue())

    def _signalled(self) -> None:
        """Of what could end us only SIGTERM without a daemon does: the daemon ends us over its session."""
        if signal.SIGTERM in self._posix.signals.take(self._signals):
            self._events.append(TerminationAsked())
            self._decide()

    def _daemon_came(self) -> None:
        socket = self._posix.sockets.accept(self._listener)
        if socket is None:
            return
        peer = self._posix.sockets.peer(socket)
        if peer.uid not in {0, self._parts.desk.policy.own}:
            _log.warning("turned away who is no daemon", uid=peer.uid, pid=peer.pid)
            self._posix.files.close(socket)
            return
        self._awaits_daemon = False
        self._parts.exits.daemon = peer.pid
        self._parts.poller.discard(self._listener)
        self._parts.sessions.begin(DAEMON, socket)
        _log.info("a new daemon came", pid=peer.pid)
        self._events.append(DaemonCame())
        self._decide()

    # Effects

    def _report(self) -> None:
        """Tell of the ends of a turn, together."""
        ends, self._ends = self._ends, []
        for first in range(0, len(ends), AT_A_TIME):
            self._parts.sessions.tell(MANAGER, ExitReports.exited, ends[first : first + AT_A_TIME])

    def _decide(self) -> None:
        while self._events:
            for effect in self._core.handle(self._events.popleft()):
                try:
                    self._perform(effect)
                except (
                    HostError
                ) as error:  # out of descriptors, a full disk: told to who asked, else to the log
                    _log.error("cannot do what is wanted", effect=type(effect).__name__, error=str(error))
                    caller: Caller | None = getattr(effect, "caller", None)
                    if caller is not None:
                        self._parts.sessions.refuse(caller, error)

    def _perform(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one row per effect
        parts = self._parts
        if not isinstance(effect, Begin):
            parts.launching.settle()  # whatever it is about is held then
        match effect:
            case Begin(launch=launch, account=account):
                parts.launching.begin(launch, account)
            case Answer(caller=caller, value=value):
                parts.sessions.answer(caller, value)
            case Refuse(caller=caller, error=error):
                parts.sessions.refuse(caller, error)
            case AnswerLaunched():
                self._answer_launched(effect)
            case AnswerInventory():
                self._answer_inventory(effect)
            case Signal(caller=caller, token=token, number=number):
                was_there = parts.leftovers.signal(token, number)
                if caller is not None:
                    parts.sessions.answer(caller, was_there)
            case Kill(token=token):
                parts.leftovers.kill(token)
            case Follow():
                self._follow(effect)
            case AskWhoFollows(token=token):
                parts.sessions.ask_who_follows(token)
            case Bury(token=token):
                parts.exits.bury(token)
            case FindExit(token=token, told=told):
                parts.exits.find(token, told)
            case Report(token=token, exit=seen, at=at):
                self._ends.append(Ended(token, seen, at, self._kit.held.is_gone(token)))
            case Forget(token=token):
                self._kit.held.forget(token)
            case SetStopTimer(seconds=seconds):
                self._set(_OVERDUE, seconds)
            case CloseManager():
                parts.sessions.end(MANAGER)
            case AwaitDaemon():
                self._awaits_daemon = True
                parts.exits.daemon = 0
                parts.poller.add(self._listener)
            case Finish(clean=clean):
                self._finish(clean=clean)
            case _:
                assert_never(effect)

    def _follow(self, effect: Follow) -> None:
        """What is refused is answered by `_decide`."""
        is_kept = self._parts.succession.follow(effect.token, effect.pid)
        self._parts.exits.goes_on(effect.token)
        self._parts.sessions.tell(DAEMON, Daemon.followed, effect.token)
        self._events.append(Followed(effect.token, effect.pid))
        self._parts.sessions.answer(effect.caller, is_kept)

    def _answer_launched(self, effect: AnswerLaunched) -> None:
        if not self._parts.sessions.is_open(effect.caller):
            return
        self._parts.sessions.answer(effect.caller, _launched(self._kit, effect))

    def _answer_inventory(self, effect: AnswerInventory) -> None:
        if self._parts.sessions.is_open(effect.caller):
            self._parts.sessions.answer(effect.caller, _running(self._kit, effect.lines))

    def _finish(self, *, clean: bool) -> None:
        if clean:
            self._parts.leftovers.sweep()
            self._kit.groups.end()
            _close_sockets(self._parts.desk)
        self._is_over = True


def _given(posix: Posix, descriptor: int | None) -> Descriptor | None:
    return None if descriptor is None else Descriptor(descriptor, posix)


def _close_sockets(desk: requests.Desk) -> None:
    for listening in desk.ports.listings():
        desk.knocks.forget(listening.key)
        try:
            desk.ports.close(listening.key)
        except PosixError as error:
            _log.warning("cannot close a socket", key=listening.key, error=str(error))


def _launched(kit: Kit, effect: AnswerLaunched) -> Launched:
    token = effect.token
    output, errors = (_given(kit.posix, end) for end in kit.held.streams(token))
    given = _given(kit.posix, kit.held.take_input(token))
    return Launched(token, effect.pid, effect.started, output, effect.again, errors, given)


def _running(kit: Kit, known: tuple[Listed, ...]) -> list[Running]:
    lines: list[Running] = []
    for line in known:
        try:
            output, errors = (_given(kit.posix, end) for end in kit.held.streams(line.token))
        except PosixError:
            if not lines:
                raise
            break  # out of descriptors: the rest is asked for when these have gone
        handle = kit.held.get(line.token)
        note = "" if handle is None else handle.note
        lines.append(Running(line.token, line.pid, line.started, line.exit, output, note, errors))
    return lines
