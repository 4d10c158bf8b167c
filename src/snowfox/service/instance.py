"""An instance: what is known of one running copy. Its life, the table that moves it, is `service.life`.

The object changes in place, and only by `life.step`; what is to be done comes out as effects. A frozen copy per step
was rejected: at 1,000 instances it costs a tenth of the time that launching them takes.
"""

from __future__ import annotations

from random import Random

from snowfox.core.event.fact import Fact
from snowfox.core.named import NamedTuple
from snowfox.service.effects import ClearTimer, Effect, Emit, SetTimer
from snowfox.service.readiness import wait_of
from snowfox.service.restart import FRESH, Verdict, next_try_text
from snowfox.service.said import SILENT
from snowfox.service.spec import Service
from snowfox.values import UNKNOWN_EXIT, Exit, Seconds, signal_name, span_text

ALIVE = frozenset({"starting", "ready", "failing", "stopping", "stuck"})
"""States in which a launch is under way or its process is there."""


class Input(NamedTuple):
    """What an instance is told: a column of its table, and what some of them need.

    Args:
        kind: one of `life.INPUTS`.
        text: reason of a stop, line of a refusal, how it got ready.
        hint: of a refusal.
        token: of a launch to make or to take over.
        pid: of its process.
        started: start of its process, ns of the boot-time clock.
        exit: how it ended.
        age: seconds that a process which is taken over has lived.
        again: whether it starts again once it is stopped.
        is_temporary: of a refusal.
        was_ready: whether what is taken over had been ready.
        cause: why it is unwell.
        silent: of what is unwell: seconds since it was last known to be well.
    """

    kind: str
    text: str = ""
    hint: str = ""
    token: str = ""
    pid: int = 0
    started: int = 0
    exit: Exit = UNKNOWN_EXIT
    age: Seconds = 0.0
    again: bool = False
    is_temporary: bool = False
    was_ready: bool = False
    cause: str = ""
    silent: Seconds = 0.0


class Turn:
    """One call of the engine: the time, chance, and the effects that it collects."""

    __slots__ = ("effects", "now", "random")

    def __init__(self, now: Seconds, random: Random) -> None:
        self.now = now
        self.random = random
        self.effects: list[Effect] = []


class Instance:
    """One running copy of a service.

    Attributes:
        state: one of `status.STATES`.
        since: when it came into that state.
        subject: of its timer; its id, unless another takes its place and it only has to end.
        digest: what its last launch was made from; "" where that is not known.
        token: of its launch; "" without one.
        last: token of its last launch, be it over or not.
        pid: of its process; 0 while its launch is under way or without one.
        started: its start, ns of the boot-time clock.
        launched: when its launch was asked for.
        again: while it stops: whether it starts again after.
        was_killed: whether SIGKILL was sent to this launch.
        is_notified: whether it said that it is ready before the answer to its launch came.
        timer: name of its running timer, or "".
        reason: why it is in this state, where the state has a reason.
        death: how the last life ended, not asked for; "" where none did since a person started it.
        died: when.
        sent: the last signal that a person had us send to this launch, and the person.
        probe: what the probe of this start said last; of one that is ready: why it does not seem alive.
        said: what this launch told of itself.
        was_ready: whether this launch has been ready.
        is_watched: whether somebody finds out if it is alive.
        well: of what fails: until when it was known to be well.
        hook: name of the hook that runs; "" without one.
        hook_token: the launch that it belongs to, be that over or not.
        is_reloading: whether a reload of it is under way.
        reload_error: why its last reload failed; "" where it did not.
        step: which step of its stop it is at, from 0.
        is_hurried: whether it has to end at once, without further commands.
        exit: how its last process ended.
    """

    __slots__ = (
        "again",
        "death",
        "died",
        "digest",
        "exit",
        "history",
        "hook",
        "hook_token",
        "id",
        "is_hurried",
        "is_notified",
        "is_reloading",
        "is_watched",
        "last",
        "launched",
        "pid",
        "probe",
        "reason",
        "reload_error",
        "restarts",
        "said",
        "sent",
        "service",
        "since",
        "started",
        "state",
        "step",
        "subject",
        "timer",
        "timer_due",
        "token",
        "verdict",
        "wait",
        "was_killed",
        "was_ready",
        "well",
    )

    def __init__(self, identity: str, service: Service, now: Seconds) -> None:
        self.id = self.subject = identity
        self.digest = ""
        self.service = service
        self.wait = wait_of(service)
        self.state = "stopped"
        self.since = now
        self.token = self.last = ""
        self.pid = 0
        self.started = 0
        self.launched: Seconds = 0.0
        self.again = False
        self.was_killed = False
        self.is_notified = False
        self.timer = ""
        self.timer_due: Seconds = 0.0
        self.history = FRESH
        self.verdict: Verdict | None = None
        self.restarts = 0
        self.reason = ""
        self.death = ""
        self.died: Seconds = 0.0
        self.well: Seconds = 0.0
        self.exit = UNKNOWN_EXIT
        self.hook = self.hook_token = ""
        self.step = 0
        self.is_reloading = False
        self.reload_error = ""
        self.is_hurried = False
        self.probe = ""
        self.sent: tuple[int, str] = (0, "")
        self.said = SILENT
        self.was_ready = self.is_watched = False

    @property
    def is_alive(self) -> bool:
        """Whether a launch is under way or its process is there."""
        return self.state in ALIVE

    def begin_launch(self) -> None:
        """What was said, sent and asked during the launch before does not count for this one."""
        self.was_killed = self.again = self.is_notified = False
        self.sent = (0, "")
        self.reason = ""

    def sender(self, exit: Exit) -> str:
        """The person who had us send the signal that ended it; "" where nobody did."""
        number, who = self.sent
        return who if number and number == exit.signal else ""

    def enter(self, state: str, turn: Turn) -> None:
        """Come into a state, be it the same again."""
        self.state = state
        self.since = turn.now
        self.is_reloading = False
        self.reload_error = ""

    def emit(self, fact: Fact, turn: Turn) -> None:
        """Tell what happened."""
        turn.effects.append(Emit(self.id, fact))

    def arm(self, name: str, seconds: Seconds, turn: Turn) -> None:
        """Set its one timer."""
        self.timer = name
        self.timer_due = turn.now + seconds
        turn.effects.append(SetTimer(self.subject, name, seconds))

    def disarm(self, turn: Turn) -> None:
        """Clear its timer, if there is one."""
        if self.timer:
            self.timer = ""
            turn.effects.append(ClearTimer(self.subject))

    def message(self, now: Seconds) -> str:
        """Why it is so, in one line; may be ""."""
        match self.state:
            case "starting" | "stopping" if self.hook:
                return f"{self.hook} runs"
            case "starting":
                return f"not ready yet: {self.probe}" if self.probe else self._says(now)
            case "ready" if self.probe:
                return f"does not answer: {self.probe}"
            case "ready":
                return self._says(now)
            case "stopping":
                return self._stopping(now)
            case "backoff" if self.verdict is not None:
                return next_try_text(self.service.restart, self.verdict, self.timer_due - now)
            case "stuck":
                return f"SIGKILL did not end process {self.pid}" if self.pid else "its launch does not end"
            case _:
                return self.reason

    def _says(self, now: Seconds) -> str:
        own = "reloading" if self.is_reloading and not self.said.is_reloading else ""
        failed = f"reload failed: {self.reload_error}" if self.reload_error else ""
        return "; ".join(part for part in (own, failed, self.said.words(), self._last_death(now)) if part)

    def _last_death(self, now: Seconds) -> str:
        return f"{self.death}, {span_text(max(now - self.died, 0.0))} ago" if self.death else ""

    def _stopping(self, now: Seconds) -> str:
        if self.was_killed:
            return "KILL sent"
        if not self.pid:
            return "waits for its launch to end"
        left = span_text(max(self.timer_due - now, 0.0))
        stop = self.service.stop
        if self.step < len(stop.steps):
            step, is_last = stop.steps[self.step], self.step + 1 == len(stop.steps)
            done = f"{signal_name(step.signal)} sent" if step.signal else f"{step.command[0]} was run"
            return f"{done}, {'kill' if is_last else 'next step'} in {left}"
        return f"{signal_name(stop.signal)} sent, kill in {left}"
