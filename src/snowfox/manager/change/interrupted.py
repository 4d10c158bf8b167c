"""Services that a change stops and starts again: those that are restarted, and those that require one of these.

The engine's rollout does that; this tells it before. A task that ran is not run again because of what it requires, but
what requires the task goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from snowfox.core.config.plan import Action, Step
from snowfox.core.named import NamedTuple
from snowfox.service.resources import SERVICE
from snowfox.service.spec import Configuration, Service
from snowfox.values import Seconds

UNKNOWN: Final = -1
"""How long nobody knows."""


RESTART: Final = "restart"
"""What becomes of a service that differs in nothing and is interrupted all the same."""


class Interruption(NamedTuple):
    """Because of which services one is away, of one that is restarted itself as well; how long, in ms, or `UNKNOWN`."""

    causes: tuple[str, ...]
    away: int


def interrupted(
    steps: Sequence[Step], after: Configuration, measured: Mapping[str, Seconds]
) -> dict[str, Interruption]:
    """Services that are away for a time, by name.

    Args:
        steps: of a plan, in its order.
        after: the configuration that is to be.
        measured: how long services took to get ready, by name.
    """
    found: dict[str, Interruption] = {}
    passing: set[str] = set()
    for step in steps:
        service = after.services.get(step.key.name)
        if service is None or step.key.kind != SERVICE:
            continue
        before = [found[name] for name in service.requires if name in found]
        causes = dict.fromkeys(cause for one in before for cause in one.causes)
        if _is_restarted(step, service):
            causes[service.name] = None
        if not causes:
            continue
        is_passing = service.is_task or step.action is Action.CREATE
        if is_passing:
            passing.add(service.name)
        former = step.was.name if step.was else service.name
        own = 0.0 if is_passing else measured.get(service.name, measured.get(former))
        waits = [one.away for one in before]
        is_known = own is not None and UNKNOWN not in waits
        away = max(waits, default=0) + round((own or 0.0) * 1000) if is_known else UNKNOWN
        found[service.name] = Interruption(tuple(causes), away)
    return {name: one for name, one in found.items() if name not in passing}


def action_of(step: Step, gaps: Mapping[str, Interruption]) -> str:
    """What becomes of a resource, as people are told: the action of its step, or `RESTART`."""
    is_kept = step.action is Action.KEEP
    return RESTART if is_kept and step.key.kind == SERVICE and step.key.name in gaps else step.action.value


def _is_restarted(step: Step, service: Service) -> bool:
    return step.action is Action.REPLACE and not service.is_rolling and not service.is_task
