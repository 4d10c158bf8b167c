"""Whether what is ready is watched, and by what: decided here, done by the driver.

It is watched from the moment that it is ready until it is being ended, under the token of its launch: while one takes
the place of another, both are.
"""

from __future__ import annotations

from typing import Final

from snowfox.service.effects import StartWatch, StopWatch
from snowfox.service.instance import Instance, Turn
from snowfox.service.said import SILENT
from snowfox.service.spec import Service
from snowfox.values import Seconds, span_text


def begin(instance: Instance) -> None:
    """A launch of it begins, or one is taken over: what is known of another one does not count."""
    instance.probe = ""
    instance.said = SILENT
    instance.was_ready = instance.is_watched = False


def is_to_be_watched(service: Service) -> bool:
    """Whether a service says how to find out that it is alive."""
    return service.alive.is_probed or service.watchdog > 0


def watch(instance: Instance, turn: Turn) -> None:
    """It is ready."""
    instance.was_ready = True
    instance.probe = ""
    if is_to_be_watched(instance.service):
        instance.is_watched = True
        turn.effects.append(StartWatch(instance.id, instance.token))


def unwatch(instance: Instance, turn: Turn) -> None:
    """It is being ended, or has ended. One that is not watched is fine."""
    if instance.is_watched:
        instance.is_watched = False
        turn.effects.append(StopWatch(instance.token))


def rewatch(instance: Instance, before: Service, was: str, turn: Turn) -> None:
    """Its service may have changed, and its id: watch it by what is written now.

    Args:
        instance: as it is now.
        before: its service until now.
        was: its id until now.
        turn: the call under way.
    """
    is_same = instance.id == was and (instance.service.alive, instance.service.watchdog) == (
        before.alive,
        before.watchdog,
    )
    if instance.state != "ready" or is_same:
        return
    unwatch(instance, turn)
    watch(instance, turn)


EXTENDABLE: Final = frozenset({"unready", "grace-over"})
"""Timers that a process may put off: that of its start, and that of its stop."""


def extend(instance: Instance, seconds: Seconds, turn: Turn) -> None:
    """It asks for more time to start or to stop, from now on. Never less than it had; in other states nothing."""
    if instance.timer not in EXTENDABLE or turn.now + seconds <= instance.timer_due:
        return
    if instance.timer == "unready":
        instance.wait = instance.wait.replace(seconds=round(turn.now + seconds - instance.launched, 1))
    instance.arm(instance.timer, seconds, turn)


def leaves(instance: Instance, turn: Turn) -> None:
    """It says that it stops by itself: nobody asks it any more, and it has as long for that as for a stop."""
    if instance.state == "ready":
        unwatch(instance, turn)
        instance.arm("unwell", instance.service.stop.grace, turn)


def overdue_text(instance: Instance) -> str:
    """Why what said that it stops has to be ended."""
    return f"it said that it stops, and went on for {span_text(instance.service.stop.grace)}"
