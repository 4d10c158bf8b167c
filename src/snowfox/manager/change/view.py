"""A proposal as people see it: why each thing changes, in which order, what it costs, what cannot be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snowfox.contract.manager import Plan, PlanLine, Reason, VersionLine
from snowfox.core.config.effect import Effect
from snowfox.core.config.plan import Action, Step
from snowfox.core.config.plan import plan as plan_of
from snowfox.manager.change.interrupted import Interruption, action_of, interrupted
from snowfox.manager.engine.view import few
from snowfox.service.resources import SERVICE, differ, resources
from snowfox.service.spec import Configuration, Service
from snowfox.service.spelling import key_of, written
from snowfox.values import Seconds

_NOBODY: Final = VersionLine("", "", "", 0, "")


def plan(before: Configuration, after: Configuration, measured: Mapping[str, Seconds]) -> Plan:
    """All of it but the versions.

    Args:
        before: in force.
        after: to be.
        measured: how long services took to get ready, by name.
    """
    steps = plan_of(resources(before), resources(after), differ(before, after))
    gaps = interrupted(steps, after, measured)
    lines = [_line(step, before, after, gaps) for step in steps if action_of(step, gaps) != Action.KEEP.value]
    return Plan(_NOBODY, _NOBODY, len(steps) - len(lines), lines)


def _line(
    step: Step, before: Configuration, after: Configuration, gaps: Mapping[str, Interruption]
) -> PlanLine:
    reasons = [
        Reason(
            key_of(one.field), written(one.field, one.before), written(one.field, one.after), one.effect.value
        )
        for one in step.differences
    ]
    name = step.key.name
    is_service = step.key.kind == SERVICE
    gap = gaps.get(name) if is_service else None
    return PlanLine(
        action_of(step, gaps),
        step.key.kind,
        name,
        step.was.name if step.was else "",
        reasons,
        _how(step, after, gap) if is_service else "",
        gap.away if gap else 0,
        not (is_service and _is_run_again(step, before, after)),
    )


def _how(step: Step, after: Configuration, gap: Interruption | None) -> str:
    service = after.services.get(step.key.name)
    if service is None:
        return ""
    if gap and service.name not in gap.causes:
        return f"restart with {few(list(gap.causes))}"
    match step.action:
        case Action.CREATE:
            names = service.before()
            return f"after {', '.join(names)}" if names else ""
        case Action.UPDATE:
            return "live, same pid"
        case _ if service.schedule.is_set:
            return "from its next run on"
        case _ if service.is_task:
            return "runs again"
        case _ if service.is_rolling:
            return f"rolling: {_always(service)} ready"
        case _:
            return "restart"


def _always(service: Service) -> str:
    """How many of it there are at any time, at least."""
    count = service.count
    surge, away = service.rolling.among(count)
    if not away:
        return "always one"
    return f"at least {max(count - away, min(surge, count))} of {count}"


def _is_run_again(step: Step, before: Configuration, after: Configuration) -> bool:
    """A task that runs cannot be taken back."""
    service = after.services.get(step.key.name) or before.services[step.key.name]
    runs = step.action is Action.CREATE or any(one.effect is Effect.REPLACE for one in step.differences)
    return service.is_task and runs and not service.schedule.is_set
