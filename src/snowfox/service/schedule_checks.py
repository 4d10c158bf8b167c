"""What is wrong with a schedule, beside its values: its forms, whose it is, and who waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snowfox.core.config.kind import is_table
from snowfox.service.layer import Chain, Layer
from snowfox.service.schedule import Schedule
from snowfox.service.spec import Service

_FORMS: Final = ("cron", "every")


def check_layer(layer: Layer) -> None:
    """Exactly one way of saying when."""
    schedule = layer.table.get("schedule")
    if not is_table(schedule):
        return
    forms = [form for form in _FORMS if form in schedule]
    if len(forms) != 1 and schedule.keys() <= Schedule.keys().keys():
        why = "schedule says not when" if not forms else "schedule says cron and every: one is enough"
        layer.wrong(("schedule",), why, hint=f"for example {Schedule.EXAMPLE}")
    if "time-zone" in schedule and forms == ["every"]:
        why = "schedule.time-zone is only for cron"
        layer.wrong(("schedule", "time-zone"), why, part="key")


def check_service(service: Service, chain: Chain) -> None:
    """Only a task has one."""
    if service.schedule.is_set and not service.is_task:
        why = "a service runs all the time; schedule is for tasks"
        hint = 'if it runs to its end: type = "task"'
        chain.wrong(f"service {service.name}", ("schedule",), why, hint=hint, part="key")


def check_required(service: Service, services: Mapping[str, Service], chains: Mapping[str, Chain]) -> None:
    """Nobody can wait for what runs now and then."""
    for name in service.requires:
        other = services.get(name)
        if other is not None and other.schedule.is_set:
            chain = chains[service.name]
            path = ("requires", chain.written("requires").index(name))
            why = f"{name} runs by its schedule: what requires it would wait for the next run"
            chain.wrong(f"service {service.name}", path, why, hint="for the order alone: after")
