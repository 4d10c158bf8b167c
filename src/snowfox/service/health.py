"""Whether what is ready is watched, and by what: decided here, done by the driver.

It is watched from the moment that it is ready until it is being ended, under the token of its launch: while one takes
the place of another, both are.
"""

from __future__ import annotations

from snowfox.service.effects import StartWatch, StopWatch
from snowfox.service.instance import Instance, Turn
from snowfox.service.spec import Service


def begin(instance: Instance) -> None:
    """A launch of it begins, or one is taken over: what is known of another one does not count."""
    instance.probe = ""
    instance.was_ready = instance.is_watched = False


def is_to_be_watched(service: Service) -> bool:
    """Whether a service says how to find out that it is alive."""
    return service.alive.is_probed


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
    is_same = instance.id == was and instance.service.alive == before.alive
    if instance.state != "ready" or is_same:
        return
    unwatch(instance, turn)
    watch(instance, turn)
