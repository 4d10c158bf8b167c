"""What follows when a process is gone: its exit is taken note of, then it is tried again, or over."""

from __future__ import annotations

from typing import Final

from snowfox.service import hooking
from snowfox.service.beginning import lived, start_over
from snowfox.service.effects import Forget, Kill
from snowfox.service.fact import (
    ServiceExited,
    ServiceFailed,
    ServiceFinished,
    ServiceRestarting,
    ServiceStopped,
)
from snowfox.service.health import unwatch
from snowfox.service.instance import Instance, Turn
from snowfox.service.restart import Death, decide
from snowfox.values import Exit

AFTER_EXIT: Final = "after-exit"


def bury(instance: Instance, exit: Exit, turn: Turn, *, asked: bool, waits: bool = False) -> None:
    """Take note of the end of its process.

    Args:
        instance: whose.
        exit: how it ended.
        turn: the call under way.
        asked: we had asked for it.
        waits: a command that runs beside it goes on, to its own deadline; `after` comes once that is over.
    """
    by = "" if asked else instance.sender(exit)
    age = lived(instance, turn)
    fact = ServiceExited(instance.pid, instance.token, exit.code, exit.signal, asked, age, by, exit.reached)
    instance.emit(fact, turn)
    unwatch(instance, turn)
    instance.exit = exit
    # What its main process left behind goes with it, before anything starts anew.
    turn.effects.append(Kill(instance.id, instance.token))
    turn.effects.append(Forget(instance.token))
    if not (waits and instance.hook):
        after(instance, turn)
    instance.token = ""
    instance.pid = instance.started = 0


def after(instance: Instance, turn: Turn) -> None:
    """What comes after its exit, where something does; it gives up what runs still."""
    hook = instance.service.after_exit
    if hook is not None and not instance.is_hurried:
        hooking.begin(instance, AFTER_EXIT, hook, turn, instance.exit)
    else:
        hooking.drop(instance, turn)


def gone(instance: Instance, turn: Turn) -> None:
    """It ended as we wanted: it starts again where that was asked for, else it is stopped."""
    if instance.again:
        instance.again = False
        start_over(instance)
        instance.enter("waiting", turn)
        return
    reason = instance.reason
    start_over(instance)
    instance.reason = reason
    instance.enter("stopped", turn)
    instance.emit(ServiceStopped(reason), turn)


def follow(instance: Instance, death: Death, turn: Turn) -> None:
    """It died: try again, or not."""
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
