"""What the spawner decides: an event in, effects out. No descriptor, no clock, no call to the kernel.

A launch goes through these states; what is not listed is not possible and changes nothing:

```text
              FoundUnderWay ─▶ UNDER_WAY ─Found─▶ RUNNING or ENDED      UNDER_WAY ─NeverLaunched─▶ (gone)
LaunchAsked ─▶ LAUNCHING ─Executed─▶ RUNNING ─Ended─▶ ENDING ─ExitKnown─▶ ENDED ─ForgetAsked─▶ (gone)
                   └──NotLaunched─▶ (gone)      ENDING ─Left─▶ LEAVING ─FollowAsked(0)─▶ ENDING
                                                RUNNING, ENDING, LEAVING ─Followed─▶ RUNNING
```

One that is LEAVING ended, others of it are there, and the manager is asked whether it named one of them as its main process.

A token that is launched twice is answered with the first process, in whatever state that is. Our own children stay
unreaped until they are forgotten: until then their pid names nobody else, so that `kill` cannot hit a stranger.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, assert_never

from snowfox.contract.record import subject_of
from snowfox.errors import Cancelled, DeadlineExceeded, HostError
from snowfox.spawner.events import (
    Answer,
    AnswerInventory,
    AnswerLaunched,
    AskWhoFollows,
    AwaitDaemon,
    Begin,
    Begun,
    Bury,
    Caller,
    CloseManager,
    DaemonCame,
    DaemonWent,
    Effect,
    Ended,
    Event,
    Executed,
    ExitKnown,
    FindExit,
    Finish,
    Follow,
    FollowAsked,
    Followed,
    Forget,
    ForgetAsked,
    Found,
    FoundUnderWay,
    InventoryAsked,
    Kill,
    KillAsked,
    LaunchAsked,
    LeaveAsked,
    Left,
    Listed,
    ManagerCame,
    ManagerWent,
    NeverLaunched,
    NotAnswered,
    NotLaunched,
    OrphanTold,
    Refuse,
    Report,
    SetStopTimer,
    Signal,
    SignalAllAsked,
    SignalAsked,
    SocketsHeld,
    StopAsked,
    StopOverdue,
    TerminationAsked,
)
from snowfox.values import Exit, Seconds

MOST_LAUNCHES: Final = 20_000
"""Launches that are known at one time, ended and not yet forgotten ones included."""

PAGE: Final = 100
"""Lines of one inventory."""

STOP_WITHIN: Final[Seconds] = 25.0
"""How long `stop` waits for processes to be gone after SIGKILL."""


class State(Enum):
    """Where a launch is."""

    UNDER_WAY = "under way"
    LAUNCHING = "launching"
    RUNNING = "running"
    ENDING = "ending"
    LEAVING = "leaving"
    ENDED = "ended"


class _Entry:
    """A launch that is known."""

    __slots__ = ("again", "at", "exit", "pid", "started", "state", "waiting")

    def __init__(self, state: State) -> None:
        self.state = state
        self.pid = 0
        self.started = 0
        self.exit: Exit | None = None
        self.at = 0
        self.waiting: list[tuple[Caller, bool]] = []
        self.again: LaunchAsked | None = None


class Core:
    """All launches, and who is there to be told."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._sockets = 0
        self._has_manager = False
        self._has_daemon = True
        self._stopping: Caller | None = None

    def state(self, token: str) -> State | None:
        """Where a launch is; None when it is not known."""
        entry = self._entries.get(token)
        return None if entry is None else entry.state

    def handle(self, event: Event) -> list[Effect]:  # noqa: C901, PLR0911, PLR0912 - one row per event
        """What to do about an event, in order. Total: what cannot be is answered with nothing."""
        match event:
            case LaunchAsked():
                return self._launch(event)
            case SignalAsked(caller=caller, token=token):
                if self.state(token) in {State.LAUNCHING, State.RUNNING}:
                    return [Signal(caller, token, event.number)]
                return [Answer(caller, False)]  # noqa: FBT003 - the answer itself
            case SignalAllAsked() | KillAsked():
                return self._end_all(event)
            case ForgetAsked():
                return self._forget(event)
            case NotAnswered(token=token):
                return _buried(self._entries, token)
            case FollowAsked() | Left() | Followed():
                is_open = self._has_daemon and self._stopping is None
                return _succeeded(self._entries, event, is_open=is_open, has_manager=self._has_manager)
            case InventoryAsked():
                return [AnswerInventory(event.caller, _page(self._entries, event.after))]
            case OrphanTold(caller=caller, token=token, exit=exit):
                if self.state(token) in {State.RUNNING, State.ENDING}:
                    return [*self._ended(token, exit), Answer(caller, None)]
                return [Answer(caller, None)]
            case Begun() | Executed() | NotLaunched() | Found() | FoundUnderWay() | NeverLaunched():
                return self._progress(event)
            case Ended(token=token):
                return self._ended(token, None)
            case ExitKnown():
                return self._exit_known(event)
            case ManagerCame():
                self._has_manager = True
                return [AskWhoFollows(token) for token in _leaving(self._entries)]
            case ManagerWent():
                self._has_manager = False
                return []
            case DaemonCame():
                self._has_daemon = True
                return []
            case (
                StopAsked() | LeaveAsked() | DaemonWent() | TerminationAsked() | StopOverdue() | SocketsHeld()
            ):
                return self._life(event)
            case _:
                assert_never(event)

    def _launch(self, event: LaunchAsked) -> list[Effect]:
        token = event.launch.token
        if self._stopping is not None:
            return [
                Refuse(event.caller, Cancelled(f"cannot launch {subject_of(token)}: the node is stopping"))
            ]
        entry = self._entries.get(token)
        if entry is None:
            if len(self._entries) >= MOST_LAUNCHES:
                text = f"cannot launch {subject_of(token)}: {MOST_LAUNCHES} launches are the most"
                return [Refuse(event.caller, HostError(text))]
            entry = self._entries[token] = _Entry(State.LAUNCHING)
            entry.waiting.append((event.caller, False))
            return [Begin(event.launch, event.account)]
        if entry.state in {State.LAUNCHING, State.UNDER_WAY}:
            entry.waiting.append((event.caller, True))
            if entry.state is State.UNDER_WAY:
                entry.again = event
            return []
        return [AnswerLaunched(event.caller, token, entry.pid, entry.started, again=True)]

    def _end_all(self, event: SignalAllAsked | KillAsked) -> list[Effect]:
        """A process that an earlier spawner has under way is not ours to end yet."""
        effects: list[Effect] = []
        for token in event.tokens:
            state = self.state(token)
            if isinstance(event, KillAsked):
                if state not in {None, State.UNDER_WAY}:
                    effects.append(Kill(token))
            elif state in {State.LAUNCHING, State.RUNNING}:
                effects.append(Signal(None, token, event.number))
        effects.append(Answer(event.caller, None))
        return effects

    def _progress(
        self, event: Begun | Executed | NotLaunched | Found | FoundUnderWay | NeverLaunched
    ) -> list[Effect]:
        token = event.token
        if isinstance(event, FoundUnderWay):
            self._entries[token] = _Entry(State.UNDER_WAY)
            return []
        if isinstance(event, Found):
            return self._found(event)
        entry = self._entries.get(token)
        if entry is None:
            return []
        match event:
            case Begun(pid=pid):
                entry.pid = pid
                return []
            case Executed(started=started):
                return self._executed(token, entry, started)
            case NotLaunched(error=error):
                del self._entries[token]
                return [*(Refuse(caller, error) for caller, _ in entry.waiting), *self._finish_when_stopped()]
            case NeverLaunched():
                return self._never_launched(token, entry)
            case _:
                assert_never(event)

    def _executed(self, token: str, entry: _Entry, started: int) -> list[Effect]:
        if entry.state is not State.LAUNCHING:
            return []
        entry.state = State.RUNNING
        entry.started = started
        effects: list[Effect] = self._answers(token, entry)
        if self._stopping is not None:
            effects.append(Kill(token))
        return effects

    def _found(self, event: Found) -> list[Effect]:
        entry = self._entries.setdefault(event.token, _Entry(State.UNDER_WAY))
        entry.state = State.RUNNING if event.exit is None else State.ENDED
        entry.pid, entry.started, entry.exit, entry.at = event.pid, event.started, event.exit, event.at
        effects = self._answers(event.token, entry)
        if self._stopping is not None:
            effects.append(Kill(event.token))
        return effects + self._finish_when_stopped()

    def _never_launched(self, token: str, entry: _Entry) -> list[Effect]:
        """Somebody may have asked meanwhile: then this is the first launch of the token."""
        if entry.state is not State.UNDER_WAY:
            return []
        del self._entries[token]
        if entry.again is None or self._stopping is not None:
            refused = Cancelled(f"cannot launch {subject_of(token)}: the node is stopping")
            return [*(Refuse(caller, refused) for caller, _ in entry.waiting), *self._finish_when_stopped()]
        effects = self._launch(entry.again)
        self._entries[token].waiting = entry.waiting
        return effects

    def _answers(self, token: str, entry: _Entry) -> list[Effect]:
        waiting, entry.waiting, entry.again = entry.waiting, [], None
        return [AnswerLaunched(caller, token, entry.pid, entry.started, again) for caller, again in waiting]

    def _ended(self, token: str, told: Exit | None) -> list[Effect]:
        entry = self._entries.get(token)
        if entry is None:
            return []
        match entry.state:
            case State.RUNNING:
                entry.state = State.ENDING
                return [FindExit(token, told)]
            case State.ENDING if told is not None:
                return [FindExit(token, told)]
            case State.ENDING | State.LEAVING | State.ENDED | State.UNDER_WAY | State.LAUNCHING:
                return []
            case _:
                assert_never(entry.state)

    def _exit_known(self, event: ExitKnown) -> list[Effect]:
        entry = self._entries.get(event.token)
        if entry is None or entry.state is State.ENDED:
            return []
        entry.state = State.ENDED
        entry.exit, entry.at = event.exit, event.at
        effects: list[Effect] = []
        if self._has_manager:
            effects.append(Report(event.token, event.exit, event.at))
        return effects + self._finish_when_stopped() + self._finish_when_idle()

    def _forget(self, event: ForgetAsked) -> list[Effect]:
        """Only what ended: nobody can make us lose a process that runs."""
        effects: list[Effect] = []
        for token in event.tokens:
            if self.state(token) is State.ENDED:
                del self._entries[token]
                effects.append(Forget(token))
        effects.append(Answer(event.caller, None))
        return effects

    def _life(
        self, event: StopAsked | LeaveAsked | DaemonWent | TerminationAsked | StopOverdue | SocketsHeld
    ) -> list[Effect]:
        match event:
            case StopAsked(caller=caller):
                self._stopping = caller
                kills = [
                    Kill(token)
                    for token, entry in self._entries.items()
                    if entry.state not in {State.ENDED, State.UNDER_WAY}
                ]
                left = _buried(self._entries, *_leaving(self._entries))
                return [*kills, *left, SetStopTimer(STOP_WITHIN), *self._finish_when_stopped()]
            case StopOverdue():
                return self._overdue()
            case LeaveAsked(caller=caller):
                return [Answer(caller, None), Finish(clean=False)]
            case DaemonWent():
                self._has_daemon = self._has_manager = False
                self._stopping = None
                left = _buried(self._entries, *_leaving(self._entries))
                return [CloseManager(), AwaitDaemon(), *left, *self._finish_when_idle()]
            case TerminationAsked():
                return [] if self._has_daemon else [Finish(clean=False)]
            case SocketsHeld(count=count):
                self._sockets = count
                return []
            case _:
                assert_never(event)

    def _finish_when_stopped(self) -> list[Effect]:
        if self._stopping is None or any(entry.state is not State.ENDED for entry in self._entries.values()):
            return []
        gone = [Forget(token) for token in self._entries]
        self._entries.clear()
        caller, self._stopping = self._stopping, None
        return [*gone, Finish(clean=True), Answer(caller, None)]

    def _finish_when_idle(self) -> list[Effect]:
        """Without a daemon, and with nothing to keep that a record does not keep as well, there is no reason to stay."""
        if self._has_daemon or self._sockets:
            return []
        if any(entry.state is not State.ENDED for entry in self._entries.values()):
            return []
        return [Finish(clean=False)]

    def _overdue(self) -> list[Effect]:
        if self._stopping is None:
            return []
        left = [entry.pid for entry in self._entries.values() if entry.state is not State.ENDED]
        caller, self._stopping = self._stopping, None
        pids = ", ".join(map(str, left[:10]))
        return [Refuse(caller, DeadlineExceeded(f"cannot stop: {len(left)} processes do not end ({pids})"))]


def _page(entries: dict[str, _Entry], after: str) -> tuple[Listed, ...]:
    known = sorted(
        token
        for token, entry in entries.items()
        if token > after and entry.state not in {State.LAUNCHING, State.UNDER_WAY}
    )
    return tuple(
        Listed(token, entry.pid, entry.started, entry.exit)
        for token in known[:PAGE]
        for entry in (entries[token],)
    )


def _succeeded(
    entries: dict[str, _Entry], event: FollowAsked | Left | Followed, *, is_open: bool, has_manager: bool
) -> list[Effect]:
    """Another main process. `is_open`: there is a daemon, and the node is not stopping."""
    entry = entries.get(event.token)
    is_there = entry is not None and entry.state in {State.RUNNING, State.ENDING, State.LEAVING}
    match event:
        case FollowAsked(caller=caller, token=token, pid=0):
            return [*_buried(entries, token), Answer(caller, False)]  # noqa: FBT003 - the answer itself
        case FollowAsked(caller=caller, token=token, pid=pid):
            if is_there and is_open:
                return [Follow(caller, token, pid)]
            return [Refuse(caller, HostError(f"cannot follow process {pid}: {subject_of(token)} has ended"))]
        case Followed(pid=pid):
            if entry is not None and is_there:
                entry.state, entry.pid = State.RUNNING, pid
            return []
        case Left(token=token):
            if entry is None or entry.state is not State.ENDING:
                return []
            entry.state = State.LEAVING
            if not is_open:
                return _buried(entries, token)
            return [AskWhoFollows(token)] if has_manager else []
        case _:
            assert_never(event)


def _leaving(entries: dict[str, _Entry]) -> list[str]:
    return [token for token, entry in entries.items() if entry.state is State.LEAVING]


def _buried(entries: dict[str, _Entry], *tokens: str) -> list[Effect]:
    """Those of these that left are followed by nobody."""
    left = [token for token in tokens if token in entries and entries[token].state is State.LEAVING]
    for token in left:
        entries[token].state = State.ENDING
    return [Bury(token) for token in left]
