"""An instance ends: cells of `service.life` for what ends it, asked for or not, and for its end."""

from __future__ import annotations

from typing import Final

from snowfox.service import hooking
from snowfox.service.aftermath import AFTER_EXIT, after, bury, follow, gone
from snowfox.service.beginning import BEFORE_START, born, lived, prepared, start_over, unwatch
from snowfox.service.effects import Kill, Signal
from snowfox.service.fact import LaunchFailedFact, ServiceStopped, ServiceStuck, ServiceUnready, ServiceUnwell
from snowfox.service.health import overdue_text
from snowfox.service.hook import Hook
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.readiness import unready_text
from snowfox.service.restart import Death, death_text
from snowfox.values import Seconds, span_text

KILL_PATIENCE: Final = 10.0
"""Seconds after SIGKILL until an instance is `stuck`."""

BEFORE_STOP: Final = "before-stop"
STEP: Final = "stop "
"""What the name of a command among the steps of a stop begins with."""


def unready(instance: Instance, _told: Input, turn: Turn) -> None:
    """It did not get ready in time: end it; that is a failure."""
    wait = instance.wait
    instance.reason = unready_text(instance.service, instance.probe, wait.seconds)
    instance.emit(ServiceUnready(wait.seconds, instance.probe), turn)
    _fail(instance, turn)


def overdue(instance: Instance, _told: Input, turn: Turn) -> None:
    """A task has run for too long: end it; that is a failure."""
    instance.reason = f"not done after {span_text(instance.wait.seconds)}"
    instance.emit(ServiceUnwell("timeout", instance.reason), turn)
    _fail(instance, turn)


def unwell(instance: Instance, told: Input, turn: Turn) -> None:
    """It was ready and does not answer any more: end it; that is a failure like an exit."""
    # Its timer was set when it said that it stops by itself.
    is_overdue = instance.said.is_stopping and not told.cause
    instance.reason = overdue_text(instance) if is_overdue else told.text
    instance.emit(ServiceUnwell("stopping" if is_overdue else told.cause, instance.reason), turn)
    _fail(instance, turn, silent=instance.service.stop.grace if is_overdue else told.silent)


def _fail(instance: Instance, turn: Turn, *, silent: Seconds = 0.0) -> None:
    instance.well = turn.now - silent
    unwatch(instance, turn)
    end(instance, turn)
    instance.enter("failing", turn)


def end(instance: Instance, turn: Turn) -> None:
    """Have its process end."""
    hooking.drop(instance, turn)
    instance.step = 0
    _take_step(instance, turn)


def _take_step(instance: Instance, turn: Turn) -> None:
    stop = instance.service.stop
    if not stop.steps and instance.step == 0:
        turn.effects.append(Signal(instance.id, instance.token, stop.signal))
        instance.arm("grace-over", stop.grace, turn)
        return
    if instance.step >= len(stop.steps):
        kill_now(instance, turn)
        return
    step = stop.steps[instance.step]
    if step.signal is not None:
        turn.effects.append(Signal(instance.id, instance.token, step.signal))
    else:
        name = f"{STEP}{instance.step + 1}"
        hooking.begin(instance, name, Hook(step.command, step.wait), turn)
    instance.arm("grace-over", step.wait, turn)


def stop(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what runs and is not being ended yet."""
    instance.again = told.again
    instance.reason = told.text
    if instance.hook == BEFORE_START:
        _unlaunched(instance, turn)
        return
    before = instance.service.before_stop if instance.state == "ready" else None
    if instance.pid:
        unwatch(instance, turn)
        if before is None:
            end(instance, turn)
        else:
            hooking.begin(instance, BEFORE_STOP, before, turn)
    instance.enter("stopping", turn)


def _unlaunched(instance: Instance, turn: Turn) -> None:
    """It ends before there was a process."""
    hooking.drop(instance, turn)
    instance.token = ""
    gone(instance, turn)


def stop_on(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what is being ended: from now on because somebody asked."""
    instance.again = told.again
    instance.reason = told.text
    if instance.state == "failing":
        instance.enter("stopping", turn)


def stop_stuck(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what SIGKILL did not end: perhaps it does now."""
    stop_on(instance, told, turn)
    turn.effects.append(Kill(instance.id, instance.token))


def stop_idle(instance: Instance, told: Input, turn: Turn) -> None:
    """Of what has no process. What comes after an exit runs on, unless all is to end at once."""
    if told.kind == "kill":
        hooking.drop(instance, turn)
    instance.disarm(turn)
    start_over(instance)
    instance.reason = told.text
    instance.enter("stopped", turn)
    instance.emit(ServiceStopped(told.text), turn)


def kill_idle(instance: Instance, _told: Input, turn: Turn) -> None:
    """Of what is stopped: what comes after its exit, too."""
    hooking.drop(instance, turn)


def start_after(instance: Instance, _told: Input, _turn: Turn) -> None:
    """While it ends."""
    instance.again = True


def kill(instance: Instance, told: Input, turn: Turn) -> None:
    """At once."""
    instance.again = False
    instance.reason = told.text
    instance.is_hurried = True
    if instance.hook == BEFORE_START or not instance.token:
        _unlaunched(instance, turn)
        return
    hooking.drop(instance, turn)
    if instance.pid:
        unwatch(instance, turn)
        kill_now(instance, turn)
    instance.was_killed = True
    instance.enter("stopping", turn)


def kill_now(instance: Instance, turn: Turn) -> None:
    """SIGKILL to all of it, and a time for that to work."""
    instance.was_killed = True
    turn.effects.append(Kill(instance.id, instance.token))
    instance.arm("kill-over", KILL_PATIENCE, turn)


def grace_over(instance: Instance, _told: Input, turn: Turn) -> None:
    """It had its time, or a step of its stop had."""
    hooking.drop(instance, turn)
    instance.step += 1
    _take_step(instance, turn)


def hooked(instance: Instance, told: Input, turn: Turn) -> None:
    """A hook has ended that holds up nothing."""
    hooking.over(instance, told.text, turn)


def hooked_starting(instance: Instance, told: Input, turn: Turn) -> None:
    """What comes before the start has ended."""
    if hooking.over(instance, told.text, turn) != BEFORE_START:
        return
    if told.text:
        instance.token = ""
        follow(instance, Death(f"{BEFORE_START}: {told.text}"), turn)
    else:
        prepared(instance, turn)


def hooked_ending(instance: Instance, told: Input, turn: Turn) -> None:
    """What the end, or the next step of it, waits for has ended; a step that failed waits for nothing."""
    name = hooking.over(instance, told.text, turn)
    if name == AFTER_EXIT:
        gone(instance, turn)
    elif name and not instance.pid:
        after(instance, turn)
        if not instance.hook:
            gone(instance, turn)
    elif name == BEFORE_STOP:
        end(instance, turn)
    elif name and told.text:
        instance.disarm(turn)
        grace_over(instance, told, turn)


def kill_over(instance: Instance, _told: Input, turn: Turn) -> None:
    """SIGKILL did not help."""
    instance.disarm(turn)
    # What fails and cannot be ended is tried again when it ends after all, as what failed would have been.
    instance.again = instance.again or instance.state == "failing"
    instance.enter("stuck", turn)
    instance.emit(ServiceStuck(instance.pid, instance.token), turn)


def launched_late(instance: Instance, told: Input, turn: Turn) -> None:
    """It had been stopped while its launch was under way."""
    if instance.pid:
        return
    born(instance, told, turn)
    if instance.was_killed:
        kill_now(instance, turn)
    else:
        end(instance, turn)


def refused(instance: Instance, told: Input, turn: Turn) -> None:
    """Its launch made no process."""
    if instance.pid:
        return
    instance.token = ""
    instance.emit(LaunchFailedFact(told.text, told.hint), turn)
    text = told.text if not told.hint or "\n" in told.hint else f"{told.text}; {told.hint}"
    follow(instance, Death(text, is_temporary=told.is_temporary), turn)


def refused_late(instance: Instance, _told: Input, turn: Turn) -> None:
    """The same, after it had been stopped."""
    if not instance.pid:
        instance.token = ""
        gone(instance, turn)


def exited(instance: Instance, told: Input, turn: Turn) -> None:
    """An end that nobody asked for."""
    age = lived(instance, turn)
    text = instance.said.with_error(death_text(told.exit, age, instance.sender(told.exit)))
    unwatch(instance, turn)
    bury(instance, told.exit, turn, asked=False)
    follow(instance, Death(text, age, instance.was_ready, told.exit), turn)


def exited_failing(instance: Instance, told: Input, turn: Turn) -> None:
    """Its signal was ours, its failure was not to get ready, not to answer, or to take too long."""
    instance.disarm(turn)
    bury(instance, told.exit, turn, asked=True)
    age, failing = max(instance.well - instance.launched, 0.0), turn.now - instance.well
    follow(instance, Death(instance.reason, age, instance.was_ready, failing=failing), turn)


def exited_asked(instance: Instance, told: Input, turn: Turn) -> None:
    """An end that we asked for. A command of the stop that runs still has its time."""
    instance.disarm(turn)
    bury(instance, told.exit, turn, asked=True, waits=not instance.is_hurried)
    if instance.hook:
        instance.enter("stopping", turn)
    else:
        gone(instance, turn)
