"""A proposal as people see it: why each thing changes, in which order, what it costs, what cannot be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snowfox.contract.manager import Plan, PlanLine, Reason, VersionLine
from snowfox.core.config.effect import Effect
from snowfox.core.config.plan import Action, Step
from snowfox.core.config.plan import plan as plan_of
from snowfox.service.resources import SERVICE, differ, resources
from snowfox.service.spec import Configuration
from snowfox.service.spelling import key_of, written
from snowfox.values import Seconds

UNKNOWN: Final = -1
"""How long nobody knows."""

_NOBODY: Final = VersionLine("", "", "", 0, "")


def plan(before: Configuration, after: Configuration, measured: Mapping[str, Seconds]) -> Plan:
    """All of it but the versions.

    Args:
        before: in force.
        after: to be.
        measured: how long services took to get ready, by name.
    """
    steps = plan_of(resources(before), resources(after), differ(before, after))
    away = _away(steps, after, measured)
    lines = [_line(step, before, after, away) for step in steps if step.action is not Action.KEEP]
    return Plan(_NOBODY, _NOBODY, len(steps) - len(lines), lines)


def _line(step: Step, before: Configuration, after: Configuration, away: Mapping[str, int]) -> PlanLine:
    reasons = [
        Reason(
            key_of(one.field), written(one.field, one.before), written(one.field, one.after), one.effect.value
        )
        for one in step.differences
    ]
    name = step.key.name
    is_service = step.key.kind == SERVICE
    return PlanLine(
        step.action.value,
        step.key.kind,
        name,
        step.was.name if step.was else "",
        reasons,
        _how(step, after) if is_service else "",
        away.get(name, 0) if is_service else 0,
        not (is_service and _is_run_again(step, before, after)),
    )


def _how(step: Step, after: Configuration) -> str:
    service = after.services.get(step.key.name)
    if service is None:
        return ""
    match step.action:
        case Action.CREATE:
            names = (*service.requires, *service.after)
            return f"after {', '.join(names)}" if names else ""
        case Action.UPDATE:
            return "live, same pid"
        case _ if service.is_task:
            return "runs again"
        case _ if service.replacement == "rolling":
            return "rolling: always one ready"
        case _:
            return "restart"


def _away(steps: tuple[Step, ...], after: Configuration, measured: Mapping[str, Seconds]) -> dict[str, int]:
    """How long services are away, in ms: those that are restarted, and what requires them meanwhile."""
    away: dict[str, int] = {}
    for step in steps:
        service = after.services.get(step.key.name)
        if service is None or step.action is Action.CREATE or step.key.kind != SERVICE:
            continue
        is_restarted = (
            step.action is Action.REPLACE and service.replacement != "rolling" and not service.is_task
        )
        waits = [away[name] for name in service.requires if name in away]
        if not is_restarted and not waits:
            continue
        own = measured.get(service.name)
        known = [*waits, UNKNOWN if own is None else round(own * 1000)]
        away[service.name] = UNKNOWN if UNKNOWN in known else max(waits, default=0) + known[-1]
    return away


def _is_run_again(step: Step, before: Configuration, after: Configuration) -> bool:
    """A task that runs cannot be taken back."""
    service = after.services.get(step.key.name) or before.services[step.key.name]
    runs = step.action is Action.CREATE or any(one.effect is Effect.REPLACE for one in step.differences)
    return service.is_task and runs
