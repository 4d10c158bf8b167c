"""An instance begins: cells of `service.life` from `start` to `ready`."""

from __future__ import annotations

from typing import Final

from snowfox.service import health, hooking
from snowfox.service.effects import Launch, StartProbe, StopProbe
from snowfox.service.fact import ServiceReady, ServiceStarted
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.readiness import wait_of
from snowfox.service.restart import FRESH
from snowfox.values import Seconds

BEFORE_START: Final = "before-start"


def start(instance: Instance, _told: Input, turn: Turn) -> None:
    """Wait for its turn, with a clean slate."""
    start_over(instance)
    instance.disarm(turn)
    instance.enter("waiting", turn)


def start_over(instance: Instance) -> None:
    """Forget what went wrong so far."""
    instance.history = FRESH
    instance.verdict = None
    instance.restarts = 0
    instance.reason = instance.death = ""


def retry(instance: Instance, _told: Input, turn: Turn) -> None:
    """The delay is over."""
    instance.disarm(turn)
    instance.enter("waiting", turn)


def go(instance: Instance, told: Input, turn: Turn) -> None:
    """It is its turn."""
    instance.token = instance.last = told.token
    instance.wait = wait_of(instance.service)  # that of a start before may be of another configuration
    instance.pid = instance.started = 0
    instance.launched = turn.now
    instance.begin_launch()
    health.begin(instance)
    instance.is_hurried = False
    before = instance.service.before_start
    if before is None:
        turn.effects.append(Launch(instance.id, told.token, instance.digest))
    else:
        hooking.begin(instance, BEFORE_START, before, turn)
    instance.enter("starting", turn)


def prepared(instance: Instance, turn: Turn) -> None:
    """What comes before the start is done."""
    instance.launched = turn.now
    turn.effects.append(Launch(instance.id, instance.token, instance.digest))


def launched(instance: Instance, told: Input, turn: Turn) -> None:
    """Its program was executed."""
    if instance.pid:
        return
    born(instance, told, turn)
    watch(instance, turn)


def born(instance: Instance, told: Input, turn: Turn) -> None:
    """It has a process."""
    instance.pid, instance.started = told.pid, told.started
    instance.emit(ServiceStarted(told.pid, instance.token, told.started), turn)


def watch(instance: Instance, turn: Turn) -> None:
    """Wait until it is ready."""
    wait = instance.wait
    if wait.by == "executed" or instance.is_notified:
        become_ready(instance, wait.by, turn)
        return
    if wait.timer:
        # What a task that is taken over has taken already counts.
        age = lived(instance, turn) if wait.timer == "overdue" else 0.0
        instance.arm(wait.timer, max(wait.seconds - age, 0.0), turn)
    if wait.probes:
        turn.effects.append(StartProbe(instance.id, instance.token))


def unwatch(instance: Instance, turn: Turn) -> None:
    """Wait no more."""
    instance.disarm(turn)
    if instance.state == "starting" and instance.pid and instance.wait.probes:
        turn.effects.append(StopProbe(instance.id, instance.token))
    health.unwatch(instance, turn)


def ready(instance: Instance, told: Input, turn: Turn) -> None:
    """It said so, in the way that counts for it."""
    if told.text != instance.wait.by:
        return
    if not instance.pid:
        instance.is_notified = True
        return
    instance.disarm(turn)
    become_ready(instance, told.text, turn)


def become_ready(instance: Instance, by: str, turn: Turn) -> None:
    """It is ready."""
    instance.enter("ready", turn)
    health.watch(instance, turn)
    instance.emit(ServiceReady(instance.pid, by, lived(instance, turn)), turn)
    after = instance.service.after_ready
    if after is not None:
        hooking.begin(instance, "after-ready", after, turn)


def lived(instance: Instance, turn: Turn) -> Seconds:
    """Seconds since its launch."""
    return max(turn.now - instance.launched, 0.0)
