"""What the daemon decides: who is started, killed, joined and asked, and when the node ends. Pure.

Both processes follow one path: absent, waiting for the next try, running, dying. A death found by a pidfd is the only
way out of `running` or `dying`, so that a hung spawner is certainly gone before the next one starts. The node itself
goes through `starting` (until both answered for the first time), `running`, `stopping` (the manager stops the
services in order) and `clearing` (manager leaves, spawner kills what still runs, removes its things and ends).

A death while stopping is repaired once: the order in which services stop is worth a restart, a second accident is not.

A node that is to leave its services goes the same way: the manager only stores what it knows, and the spawner ends without
a look at what runs.

A second signal to stop has the manager kill what it still stops, so that every end is known and stored. A third, or a
manager that cannot, leaves that to the spawner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, assert_never

from snowfox.daemon.events import (
    MANAGER,
    SPAWNER,
    Answered,
    Arm,
    Ask,
    AskKill,
    AskStop,
    Begin,
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
    Lost,
    Note,
    NotStarted,
    OrphanReaped,
    Refused,
    RejoinAsked,
    Report,
    Restore,
    Role,
    Start,
    Started,
    StopAsked,
    StopSignalled,
    TakeOver,
    TellOrphan,
)
from snowfox.values import Seconds

HEALTHY: Final[Seconds] = 10.0
"""A life this long makes the next restart immediate again."""
PATIENCE: Final[Seconds] = 1.0
"""How long a process that closed its session has to be gone by itself."""
LEAVE: Final[Seconds] = 5.0
"""How long a dismissed manager, or a spawner that answered `stop`, has to be gone by itself."""
CLEAR: Final[Seconds] = 35.0
"""How long a spawner has for `stop` altogether; its call ends after 30 s."""
HURRY: Final[Seconds] = 15.0
"""How long a manager has to be done once it was asked to kill: what resists SIGKILL is given up after 10 s."""
END: Final[Seconds] = 90.0
"""How long all of `clearing` may last."""
FIRST_TRIES: Final = 3
"""Failed starts after which a node that never came up is given up."""

Phase = Literal["starting", "running", "stopping", "clearing", "done"]


class _Process:
    """What is known of one of the two."""

    __slots__ = ("answered", "failures", "is_greeted", "repairs", "role", "since", "state")

    def __init__(self, role: Role) -> None:
        self.role: Role = role
        self.state: Literal["absent", "waiting", "running", "dying"] = "absent"
        self.is_greeted = False
        self.failures = 0
        self.since: Seconds = 0.0
        self.repairs = 0
        self.answered = False

    @property
    def is_alive(self) -> bool:
        return self.state in {"running", "dying"}


class Core:
    """The daemon's decisions. `handle` is all there is; effects are performed in order.

    Args:
        delays: seconds to wait after failed attempt number N (from 1).
    """

    def __init__(self, delays: Callable[[int], Seconds]) -> None:
        self.phase: Phase = "starting"
        self._delays = delays
        self._spawner = _Process(SPAWNER)
        self._manager = _Process(MANAGER)
        self._adopting = False
        self._owes_join = False
        self._hurries = False
        self._leaves = False
        self._code = 0
        self._now: Seconds = 0.0

    def handle(self, event: Event, now: Seconds) -> list[Effect]:
        """What to do about it, in this order.

        Args:
            event: what happened.
            now: the monotonic time.
        """
        self._now = now
        if self.phase == "done":
            return []
        match event:
            case Begin():
                return self._begin(event)
            case Started() | NotStarted() | Ended() | Lost():
                return self._lived(event)
            case Answered() | Refused():
                return self._replied(event)
            case RejoinAsked() | StopAsked():
                return self._asked(event)
            case StopSignalled(name):
                return self._signalled(name)
            case OrphanReaped(token, exit):
                return [TellOrphan(token, exit)] if self._spawner.state == "running" else []
            case Due(timer):
                return self._due(timer)
            case _:
                assert_never(event)

    def _of(self, role: Role) -> _Process:
        return self._spawner if role == SPAWNER else self._manager

    def _begin(self, event: Begin) -> list[Effect]:
        self._adopting = event.adopting or event.keeper
        if not event.keeper:
            return [Start(SPAWNER), Start(MANAGER)]
        self._spawner.state = "running"
        self._spawner.since = self._now
        return [TakeOver(), Start(MANAGER)]

    def _lived(self, event: Started | NotStarted | Ended | Lost) -> list[Effect]:
        process = self._of(event.role)
        match event:
            case Started():
                return self._started(process)
            case NotStarted(_, how) | Ended(_, how):
                return self._ended(process, how)
            case Lost(_, reason, hung):
                return self._lost(process, reason, hung=hung)
            case _:
                assert_never(event)

    def _started(self, process: _Process) -> list[Effect]:
        process.state = "running"
        process.since = self._now
        process.is_greeted = process.answered = False
        if process is self._manager:
            self._owes_join = False
            return [Greet(joined=self._spawner.state == "running")]
        if self.phase == "clearing":
            return [self._ask(SPAWNER), Arm("clear spawner", CLEAR)]
        # A manager that is not welcomed yet has nothing to attach it to.
        self._owes_join = self._manager.state == "running" and not self._manager.is_greeted
        return [Restore(), *([Join()] if self._manager.state == "running" and not self._owes_join else [])]

    def _asked(self, event: RejoinAsked | StopAsked) -> list[Effect]:
        if isinstance(event, StopAsked):
            return self._stop(event.code, event.reason, leave=event.leave)
        # A spawner that is to come joins the manager anyway.
        is_due = self._manager.is_greeted and self._spawner.state == "running"
        return [Note("joining manager and spawner again", is_warning=True), Join()] if is_due else []

    # Deaths and restarts

    def _lost(self, process: _Process, reason: str, *, hung: bool) -> list[Effect]:
        if process.state != "running":
            return []
        if hung:
            return self._kill(process, reason)
        return [] if self.phase == "clearing" else [Arm(f"gone {process.role}", PATIENCE)]

    def _kill(self, process: _Process, reason: str) -> list[Effect]:
        process.state = "dying"
        return [Note(f"killing the {process.role}: {reason}", is_warning=True), Kill(process.role)]

    def _ended(self, process: _Process, how: str) -> list[Effect]:
        lived = self._now - process.since if process.is_alive else 0.0
        was_good = process.is_greeted and lived >= HEALTHY
        process.state = "absent"
        done: list[Effect] = [Disarm(f"gone {process.role}"), Disarm(f"clear {process.role}")]
        if self.phase == "clearing":
            return [*done, *self._cleared(process)]
        process.failures = 1 if was_good else process.failures + 1
        done.append(Note(f"the {process.role} ended: {how}", is_warning=True))
        if self.phase == "starting" and process.failures >= FIRST_TRIES:
            return [*done, *self._give_up(f"cannot start the node: the {process.role} ended: {how}")]
        if self.phase == "stopping" and process is self._manager:
            process.repairs += 1
            is_over = process.repairs > 1 or self._hurries or self._leaves
            return [*done, *(self._clear() if is_over else [Start(MANAGER)])]
        delay = 0.0 if process.failures == 1 else self._delays(process.failures - 1)
        if delay <= 0:
            return [*done, Start(process.role)]
        process.state = "waiting"
        return [*done, Arm(f"start {process.role}", delay)]

    def _due(self, timer: str) -> list[Effect]:
        word, _, name = timer.partition(" ")
        if word == "end":
            self.phase = "done"
            return [Note("giving up what does not end", is_warning=True), Finish(1, self._leaves)]
        process = self._of(SPAWNER if name == SPAWNER else MANAGER)
        if word == "hurry":
            return self._hurry() if self.phase == "stopping" else []
        if word == "start":
            return [Start(process.role)] if process.state == "waiting" else []
        if process.state != "running":
            return []
        reason = "it closed its session" if word == "gone" else "it did not end in time"
        return self._kill(process, reason)

    # Answers

    def _replied(self, event: Answered | Refused) -> list[Effect]:
        process = self._of(event.role)
        if process.state != "running":
            return []
        if event.what == "stop":
            return self._stopped(process, event)
        if event.what == "kill" and isinstance(event, Refused):
            return self._hurry() if self.phase == "stopping" else []
        if isinstance(event, Answered):
            return [] if event.what == "kill" else self._agreed(process, event.what)
        text = f"the {event.role} refused {event.what}: {event.error}"
        if event.what == "orphan":
            return [Note(text, is_warning=True)]
        if event.what == "welcome" and self.phase == "starting":
            return [Note(text, is_warning=True), *self._give_up(event.error)]
        return self._kill(process, text)

    def _agreed(self, process: _Process, what: Ask) -> list[Effect]:
        process.is_greeted = True
        done: list[Effect] = []
        if what == "welcome" and self._owes_join:
            self._owes_join = False
            done = [Join()] if self._spawner.state == "running" else []
        if self.phase == "starting" and self._manager.is_greeted and self._spawner.is_greeted:
            self.phase = "running"
            return [*done, Report("up")]
        return [*done, self._ask(MANAGER)] if what == "welcome" and self.phase == "stopping" else done

    def _stopped(self, process: _Process, event: Answered | Refused) -> list[Effect]:
        notes: list[Effect] = []
        if isinstance(event, Refused):
            notes.append(Note(f"the {event.role} could not stop in order: {event.error}", is_warning=True))
        if process is self._manager:
            return [*notes, *(self._clear() if self.phase == "stopping" else [])]
        process.answered = isinstance(event, Answered)
        return [*notes, Arm("clear spawner", LEAVE)]

    # The end

    def _signalled(self, name: str) -> list[Effect]:
        if self.phase != "stopping":
            return self._stop(0, f"signal {name}")
        return [] if self._leaves else self._hurry()

    def _stop(self, code: int, reason: str, *, leave: bool = False) -> list[Effect]:
        if self.phase not in {"starting", "running"}:
            return []
        self.phase = "stopping"
        self._code, self._leaves = code, leave
        done: list[Effect] = [Note(f"{'leaving what runs' if leave else 'stopping'}: {reason}")]
        if self._manager.state == "waiting":
            return [*done, Disarm("start manager"), Start(MANAGER)]
        return [*done, self._ask(MANAGER)] if self._manager.is_greeted else done

    def _ask(self, role: Role) -> AskStop:
        return AskStop(role, self._leaves)

    def _hurry(self) -> list[Effect]:
        if self._manager.state == "running" and self._manager.is_greeted and not self._hurries:
            self._hurries = True
            return [AskKill(), Arm("hurry manager", HURRY)]
        if self._manager.state == "running":
            return [*self._kill(self._manager, "asked to stop at once"), *self._clear()]
        return self._clear()

    def _give_up(self, reason: str) -> list[Effect]:
        self._code = 1
        report = Report("failed", reason)
        if not self._adopting:
            return [report, *self._clear()]
        self.phase = "done"
        return [report, *([Kill(MANAGER)] if self._manager.is_alive else []), Finish(1, leave=True)]

    def _clear(self) -> list[Effect]:
        self.phase = "clearing"
        done: list[Effect] = [Disarm("start spawner"), Disarm("start manager"), Arm("end node", END)]
        if self._manager.state == "running":
            done += [Dismiss(MANAGER), Arm("clear manager", LEAVE)]
        if self._spawner.state == "running":
            done += [self._ask(SPAWNER), Arm("clear spawner", CLEAR)]
        elif self._spawner.state != "dying":
            done += self._cleared(self._spawner)
        return done

    def _cleared(self, process: _Process) -> list[Effect]:
        if process is self._spawner and not (process.answered or self._leaves or process.repairs):
            process.repairs += 1
            return [Start(SPAWNER)]
        if self._manager.is_alive or self._spawner.is_alive:
            return []
        self.phase = "done"
        if self._spawner.answered or self._leaves:
            return [Finish(self._code, self._leaves)]
        return [Note("services may be left: no spawner could stop", is_warning=True), Finish(self._code or 1)]
