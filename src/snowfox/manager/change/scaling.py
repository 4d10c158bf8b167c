"""`snowfox scale`: what people ask for, checked, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping

from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import counted, quoted
from snowfox.errors import NotFound, UserError
from snowfox.manager.change.carrying import Outcome
from snowfox.manager.node import Node
from snowfox.service.scale import Scale, Scales, key_of
from snowfox.service.section import MOST_INSTANCES
from snowfox.service.spec import Configuration

WRITTEN = 0
"""In place of a number: as many as are written."""


def ask(node: Node, configuration: Configuration, asked: Mapping[str, int] | None) -> Scales:
    """The scales of all services once these are as asked; None: as they are.

    Args:
        node: where.
        configuration: in force.
        asked: by service, how many, or `WRITTEN`.

    Raises NotFound, UserError.
    """
    found = dict(node.scales)
    for name, number in (asked or {}).items():
        written = _written(configuration, node.scales, name)
        if not WRITTEN <= number <= MOST_INSTANCES:
            msg = f"cannot scale {name}: it can have 1 to {MOST_INSTANCES} instances"
            raise UserError(msg, "")
        found.pop(name, None)
        if number not in (WRITTEN, written):
            found[name] = Scale(number, written)
    return found


def settle(
    node: Node,
    configuration: Configuration,
    scales: Scales,
    *,
    asked: Mapping[str, int] | None,
    outcome: Outcome,
) -> Outcome:
    """Keep the scales of a configuration that is in force; how the change ended, in words of what was asked."""
    if outcome.is_in_force:
        keep(node, configuration, scales)
    if asked is None or outcome.word not in {"done", "unchanged"}:
        return outcome
    counts = {name: configuration.services[name].count for name in asked}
    told = ", ".join(f"{name} has {counted(number, 'instance')}" for name, number in counts.items())
    return outcome._replace(word="done", message=told)


def _written(configuration: Configuration, scales: Scales, name: str) -> int:
    """How many instances are written."""
    service = configuration.services.get(name)
    if service is None:
        hint = did_you_mean(name, configuration.services) or "see: snowfox status"
        msg = f"there is no service {quoted(name)}"
        raise NotFound(msg, hint)
    if not isinstance(service.instances, int):
        msg = f"cannot scale {name}: its instances have names"
        raise UserError(msg, "write another list of instances, then snowfox apply")
    scale = scales.get(name)
    return scale.written if scale is not None and scale.number == service.instances else service.instances


def keep(node: Node, configuration: Configuration, scales: Scales) -> None:
    """These count from now on; of others, and of those that a newer configuration does not mind, nothing is left."""
    services = configuration.services
    valid = {
        name: scale
        for name, scale in scales.items()
        if name in services and services[name].instances == scale.number
    }
    for name in node.scales.keys() | valid.keys():
        if node.scales.get(name) != valid.get(name):
            node.keeper.want(key_of(name), valid[name].text if name in valid else None)
    node.scales = valid
