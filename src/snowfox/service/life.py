"""The life of an instance: a total table of states and inputs, and what each cell does.

```text
stopped --start--> waiting --go--> starting --ready--> ready --exited--> backoff --retry--> waiting
                                       |                  |                 (or failed, finished, waiting at once)
                                       +--unready--> failing --exited--> backoff, failed
                              stop: starting, ready, failing -> stopping --exited--> stopped (or waiting: again)
                                    failing, stopping: grace-over kills, kill-over -> stuck
```

Prior art: the action table of `s6-supervise.c`; systemd's unit states, of which we keep "failing" apart: a process
that runs but did not get ready in time is ended by us, and still its end is a failure.

An end that we asked for (`stopping`, `stuck`) never counts as a failure. A launch under way cannot be taken back: a
stop then waits in `stopping` without a pid until the launch has an answer. An input that a cell refuses changes
nothing: it came late, from an earlier launch or timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from snowfox.core.machine import Move, Refused, Table, refused
from snowfox.service.effects import Forget, Kill, Launch, Signal, StartProbe, StopProbe
from snowfox.service.fact import (
    LaunchFailedFact,
    ServiceAdopted,
    ServiceExited,
    ServiceFailed,
    ServiceFinished,
    ServiceReady,
    ServiceRestarting,
    ServiceStarted,
    ServiceStopped,
    ServiceStuck,
    ServiceUnready,
)
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.readiness import unready_text, wait_of
from snowfox.service.restart import FRESH, Death, death_text, decide
from snowfox.values import Exit

KILL_PATIENCE: Final = 10.0
"""Seconds after SIGKILL until an instance is `stuck`."""

INPUTS: Final = (
    "start",  # it is wanted: wait for your turn
    "go",  # it is your turn: launch under this token
    "stop",  # end, in order
    "kill",  # end, at once
    "launched",
    "refused",
    "ready",
    "unready",  # the time to get ready is over
    "exited",
    "grace-over",
    "kill-over",
    "retry",
    "adopt",  # a process of an earlier manager runs
    "ended-before",  # a process of an earlier manager has ended meanwhile
    "finished-before",  # an earlier manager saw it finish
    "failed-before",
)

Handler = Callable[[Instance, Input, Turn], None]
Row = dict[str, Move[Handler] | Refused]


def step(instance: Instance, told: Input, turn: Turn) -> bool:
    """Tell an instance something. False where its table refuses: nothing has changed then."""
    match TABLE.cell(instance.state, told.kind):
        case Move(do=do) if do is not None:
            do(instance, told, turn)
            return True
        case _:
            return False


def leave(instance: Instance, exit: Exit, turn: Turn) -> None:
    """The process of an instance whose place another takes has ended: it is over, and nothing follows."""
    asked = instance.state in {"stopping", "stuck"}
    instance.disarm(turn)
    _bury(instance, exit, turn, asked=asked)
    instance.enter("stopped", turn)


def _stay(_instance: Instance, _told: Input, _turn: Turn) -> None:
    """It is so already."""


def _start(instance: Instance, _told: Input, turn: Turn) -> None:
    _start_over(instance)
    instance.disarm(turn)
    instance.enter("waiting", turn)


def _start_over(instance: Instance) -> None:
    instance.history = FRESH
    instance.verdict = None
    instance.restarts = 0
    instance.reason = instance.death = ""


def _retry(instance: Instance, _told: Input, turn: Turn) -> None:
    instance.disarm(turn)
    instance.enter("waiting", turn)


def _go(instance: Instance, told: Input, turn: Turn) -> None:
    instance.token = instance.last = told.token
    instance.wait = wait_of(instance.service)  # that of a start before may be of another configuration
    instance.pid = instance.started = 0
    instance.launched = turn.now
    instance.was_killed = instance.again = instance.is_notified = False
    instance.probe = instance.reason = ""
    turn.effects.append(Launch(instance.id, told.token, instance.digest))
    instance.enter("starting", turn)


def _launched(instance: Instance, told: Input, turn: Turn) -> None:
    if instance.pid:
        return
    instance.pid, instance.started = told.pid, told.started
    instance.emit(ServiceStarted(told.pid, instance.token, told.started), turn)
    _watch(instance, turn)


def _watch(instance: Instance, turn: Turn) -> None:
    wait = instance.wait
    if wait.by == "executed" or instance.is_notified:
        _become_ready(instance, wait.by, turn)
        return
    if wait.timer:
        instance.arm(wait.timer, wait.seconds, turn)
    if wait.probes:
        turn.effects.append(StartProbe(instance.id, instance.token))


def _unwatch(instance: Instance, turn: Turn) -> None:
    instance.disarm(turn)
    if instance.state == "starting" and instance.pid and instance.wait.probes:
        turn.effects.append(StopProbe(instance.id))


def _ready(instance: Instance, told: Input, turn: Turn) -> None:
    if told.text != instance.wait.by:
        return
    if not instance.pid:
        instance.is_notified = True
        return
    instance.disarm(turn)
    _become_ready(instance, told.text, turn)


def _become_ready(instance: Instance, by: str, turn: Turn) -> None:
    instance.enter("ready", turn)
    instance.emit(ServiceReady(instance.pid, by, _lived(instance, turn)), turn)


def _unready(instance: Instance, _told: Input, turn: Turn) -> None:
    wait = instance.wait
    instance.reason = unready_text(instance.service, instance.probe)
    instance.emit(ServiceUnready(wait.seconds, instance.probe), turn)
    _unwatch(instance, turn)
    _end(instance, turn)
    instance.enter("failing", turn)


def _end(instance: Instance, turn: Turn) -> None:
    stop = instance.service.stop
    turn.effects.append(Signal(instance.id, instance.token, stop.signal))
    instance.arm("grace-over", stop.grace, turn)


def _stop(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what runs and is not being ended yet."""
    instance.again = told.again
    instance.reason = told.text
    if instance.pid:
        _unwatch(instance, turn)
        _end(instance, turn)
    instance.enter("stopping", turn)


def _stop_on(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what is being ended: from now on because somebody asked."""
    instance.again = told.again
    instance.reason = told.text
    if instance.state == "failing":
        instance.enter("stopping", turn)


def _stop_idle(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what has no process."""
    instance.disarm(turn)
    _start_over(instance)
    instance.reason = told.text
    instance.enter("stopped", turn)
    instance.emit(ServiceStopped(told.text), turn)


def _start_after(instance: Instance, _told: Input, _turn: Turn) -> None:
    """While it ends."""
    instance.again = True


def _kill(instance: Instance, told: Input, turn: Turn) -> None:
    instance.again = False
    instance.reason = told.text
    if instance.pid:
        _unwatch(instance, turn)
        _kill_now(instance, turn)
    instance.was_killed = True
    instance.enter("stopping", turn)


def _kill_now(instance: Instance, turn: Turn) -> None:
    instance.was_killed = True
    turn.effects.append(Kill(instance.id, instance.token))
    instance.arm("kill-over", KILL_PATIENCE, turn)


def _grace_over(instance: Instance, _told: Input, turn: Turn) -> None:
    _kill_now(instance, turn)


def _kill_over(instance: Instance, _told: Input, turn: Turn) -> None:
    instance.disarm(turn)
    # What fails and cannot be ended is tried again when it ends after all, as what failed would have been.
    instance.again = instance.again or instance.state == "failing"
    instance.enter("stuck", turn)
    instance.emit(ServiceStuck(instance.pid, instance.token), turn)


def _launched_late(instance: Instance, told: Input, turn: Turn) -> None:
    """It had been stopped while its launch was under way."""
    if instance.pid:
        return
    instance.pid, instance.started = told.pid, told.started
    instance.emit(ServiceStarted(told.pid, instance.token, told.started), turn)
    if instance.was_killed:
        _kill_now(instance, turn)
    else:
        _end(instance, turn)


def _refused(instance: Instance, told: Input, turn: Turn) -> None:
    if instance.pid:
        return
    instance.token = ""
    instance.emit(LaunchFailedFact(told.text, told.hint), turn)
    text = told.text if not told.hint or "\n" in told.hint else f"{told.text}; {told.hint}"
    _follow(instance, Death(text, is_temporary=told.is_temporary), turn)


def _refused_late(instance: Instance, _told: Input, turn: Turn) -> None:
    if not instance.pid:
        instance.token = ""
        _gone(instance, turn)


def _exited(instance: Instance, told: Input, turn: Turn) -> None:
    """An end that nobody asked for."""
    was_ready = instance.state == "ready"
    lived = _lived(instance, turn)
    _unwatch(instance, turn)
    _bury(instance, told.exit, turn, asked=False)
    _follow(instance, Death(death_text(told.exit, lived), lived, was_ready, told.exit), turn)


def _exited_failing(instance: Instance, told: Input, turn: Turn) -> None:
    """Its signal was ours, its failure was not to get ready."""
    lived = _lived(instance, turn)
    instance.disarm(turn)
    _bury(instance, told.exit, turn, asked=True)
    _follow(instance, Death(instance.reason, lived), turn)


def _exited_asked(instance: Instance, told: Input, turn: Turn) -> None:
    instance.disarm(turn)
    _bury(instance, told.exit, turn, asked=True)
    _gone(instance, turn)


def _bury(instance: Instance, exit: Exit, turn: Turn, *, asked: bool) -> None:
    lived = _lived(instance, turn)
    instance.emit(ServiceExited(instance.pid, instance.token, exit.code, exit.signal, asked, lived), turn)
    # What its main process left behind goes with it, before anything starts anew.
    turn.effects.append(Kill(instance.id, instance.token))
    turn.effects.append(Forget(instance.token))
    instance.token = ""
    instance.pid = instance.started = 0


def _gone(instance: Instance, turn: Turn) -> None:
    if instance.again:
        instance.again = False
        _start_over(instance)
        instance.enter("waiting", turn)
        return
    reason = instance.reason
    _start_over(instance)
    instance.reason = reason
    instance.enter("stopped", turn)
    instance.emit(ServiceStopped(reason), turn)


def _follow(instance: Instance, death: Death, turn: Turn) -> None:
    verdict = decide(instance.service, instance.history, death, turn.now, turn.random)
    instance.verdict = verdict
    instance.history = verdict.history
    instance.reason = verdict.message
    instance.death, instance.died = death.reason, turn.now
    match verdict.outcome:
        case "finished":
            instance.enter("finished", turn)
            instance.emit(ServiceFinished(verdict.message), turn)
        case "failed":
            instance.enter("failed", turn)
            instance.emit(ServiceFailed(verdict.message), turn)
        case _:
            instance.restarts += 1
            limit = instance.service.restart.limit
            instance.emit(ServiceRestarting(death.reason, verdict.delay, verdict.attempt, limit), turn)
            if verdict.delay > 0:
                instance.arm("retry", verdict.delay, turn)
            # Without a delay the engine gives it its turn within the same call.
            instance.enter("backoff" if verdict.delay > 0 else "waiting", turn)


def _adopt(instance: Instance, told: Input, turn: Turn) -> None:
    instance.token = instance.last = told.token
    instance.pid, instance.started = told.pid, told.started
    instance.launched = turn.now - told.age
    instance.was_killed = instance.again = instance.is_notified = False
    instance.probe = instance.reason = ""
    instance.emit(ServiceAdopted(told.pid, told.token, told.started), turn)
    if told.was_ready:
        instance.enter("ready", turn)
    else:
        instance.enter("starting", turn)
        _watch(instance, turn)


def _ended_before(instance: Instance, told: Input, turn: Turn) -> None:
    instance.token = instance.last = told.token
    instance.pid, instance.started = told.pid, told.started
    instance.launched = turn.now - told.age
    _bury(instance, told.exit, turn, asked=False)
    lived = None if told.exit.is_unknown else told.age
    _follow(instance, Death(death_text(told.exit, lived), told.age, told.was_ready, told.exit), turn)


def _recall_finished(instance: Instance, told: Input, turn: Turn) -> None:
    instance.reason = told.text
    instance.enter("finished", turn)


def _recall_failed(instance: Instance, told: Input, turn: Turn) -> None:
    instance.reason = told.text
    instance.enter("failed", turn)


def _lived(instance: Instance, turn: Turn) -> float:
    return max(turn.now - instance.launched, 0.0)


_PROCESS: Final = ("launched", "refused", "ready", "unready", "exited", "grace-over", "kill-over")
_BEFORE: Final = ("adopt", "ended-before", "finished-before", "failed-before")
_AFTER_DEATH: Final = ("backoff", "failed", "finished", "waiting")
_IDLE: Final[Row] = {
    **refused("it has no process", *_PROCESS),
    **refused("only what is stopped is taken over", *_BEFORE),
    **refused("it waits for nothing", "retry"),
    **refused("it is not waiting", "go"),
    "start": Move("waiting", do=_start),
    "stop": Move("stopped", do=_stop_idle),
    "kill": Move("stopped", do=_stop_idle),
}
_ALIVE: Final[Row] = {
    **refused("it has a launch already", "go"),
    **refused("it is not waiting to be tried again", "retry"),
    **refused("it is not being ended", "grace-over", "kill-over"),
    **refused("only what is stopped is taken over", *_BEFORE),
    "kill": Move("stopping", do=_kill),
}

ROWS: Final[dict[str, Row]] = {
    "stopped": {
        **_IDLE,
        "stop": Move("stopped", do=_stay),
        "kill": Move("stopped", do=_stay),
        "adopt": Move("ready", "starting", do=_adopt),
        "ended-before": Move(*_AFTER_DEATH, do=_ended_before),
        "finished-before": Move("finished", do=_recall_finished),
        "failed-before": Move("failed", do=_recall_failed),
    },
    "waiting": {
        **_IDLE,
        "start": Move("waiting", do=_stay),
        "go": Move("starting", do=_go),
    },
    "starting": {
        **_ALIVE,
        "start": Move("starting", do=_stay),
        "stop": Move("stopping", do=_stop),
        "launched": Move("starting", "ready", do=_launched),
        "refused": Move("backoff", "failed", "starting", do=_refused),
        "ready": Move("ready", "starting", do=_ready),
        "unready": Move("failing", do=_unready),
        "exited": Move(*_AFTER_DEATH, do=_exited),
    },
    "ready": {
        **_ALIVE,
        **refused("it is ready", "ready", "unready"),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("ready", do=_stay),
        "stop": Move("stopping", do=_stop),
        "exited": Move(*_AFTER_DEATH, do=_exited),
    },
    "failing": {
        **_ALIVE,
        **refused("it is too late", "ready", "unready"),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("failing", do=_stay),
        "stop": Move("stopping", do=_stop_on),
        "grace-over": Move("failing", do=_grace_over),
        "kill-over": Move("stuck", do=_kill_over),
        "exited": Move("backoff", "failed", do=_exited_failing),
    },
    "stopping": {
        **_ALIVE,
        **refused("it is being stopped", "ready", "unready"),
        "start": Move("stopping", do=_start_after),
        "stop": Move("stopping", do=_stop_on),
        "launched": Move("stopping", do=_launched_late),
        "refused": Move("stopped", "waiting", "stopping", do=_refused_late),
        "grace-over": Move("stopping", do=_grace_over),
        "kill-over": Move("stuck", do=_kill_over),
        "exited": Move("stopped", "waiting", do=_exited_asked),
    },
    "backoff": {**_IDLE, "retry": Move("waiting", do=_retry)},
    "failed": dict(_IDLE),
    "finished": dict(_IDLE),
    "stuck": {
        **_ALIVE,
        **refused("it is stuck", "ready", "unready"),
        **refused("its launch has ended", "launched", "refused"),
        "start": Move("stuck", do=_start_after),
        "stop": Move("stuck", do=_stop_on),
        "exited": Move("stopped", "waiting", do=_exited_asked),
    },
}

TABLE: Final[Table[str, str, Handler]] = Table("instance", initial=("stopped",), events=INPUTS, rows=ROWS)
