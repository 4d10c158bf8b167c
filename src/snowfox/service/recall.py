"""An instance as an earlier manager left it: cells of `service.life` for what is taken over."""

from __future__ import annotations

from snowfox.service import health
from snowfox.service.aftermath import bury, follow
from snowfox.service.beginning import watch
from snowfox.service.fact import ServiceAdopted
from snowfox.service.instance import Input, Instance, Turn
from snowfox.service.restart import Death, death_text


def adopt(instance: Instance, told: Input, turn: Turn) -> None:
    """Its process runs."""
    _take_up(instance, told, turn)
    instance.begin_launch()
    health.begin(instance)
    instance.emit(ServiceAdopted(told.pid, told.token, told.started), turn)
    if told.was_ready:
        instance.enter("ready", turn)
        health.watch(instance, turn)
    else:
        instance.enter("starting", turn)
        watch(instance, turn)


def ended_before(instance: Instance, told: Input, turn: Turn) -> None:
    """Its process ended while nobody looked; `text` is what it was being ended for, as a failure."""
    _take_up(instance, told, turn)
    bury(instance, told.exit, turn, asked=bool(told.text))
    lived = None if told.exit.is_unknown else told.age
    death = Death(death_text(told.exit, lived), told.age, told.was_ready, told.exit)
    follow(instance, Death(told.text, told.age) if told.text else death, turn)


def finished_before(instance: Instance, told: Input, turn: Turn) -> None:
    """It stays finished."""
    instance.reason = told.text
    instance.enter("finished", turn)


def failed_before(instance: Instance, told: Input, turn: Turn) -> None:
    """It stays failed."""
    instance.reason = told.text
    instance.enter("failed", turn)


def _take_up(instance: Instance, told: Input, turn: Turn) -> None:
    instance.token = instance.last = told.token
    instance.pid, instance.started = told.pid, told.started
    instance.launched = turn.now - told.age
