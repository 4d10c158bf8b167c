"""A change that was thought through: read, checked, planned, verified by the spawner, all that it needs held."""

from __future__ import annotations

from collections.abc import Sequence

from snowfox.contract.spawner import Refusal
from snowfox.core.config.plan import Action, Resources, Step, plan
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.source import Sources
from snowfox.core.config.transaction import Journal, Transaction
from snowfox.core.named import NamedTuple
from snowfox.errors import ConfigurationRefused
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.change.sockets import Open
from snowfox.manager.change.world import World, lines
from snowfox.manager.facts import facts, too_many
from snowfox.manager.node import Node
from snowfox.manager.verify import refusals
from snowfox.service.resources import SERVICE, differ, resources
from snowfox.service.spec import Configuration

MOST_PROBLEMS = 100


class Proposal(NamedTuple):
    """What is to be.

    Args:
        sources: what was read.
        before: the configuration in force.
        after: the one that is to be.
        steps: from one to the other.
        transaction: over all resources but services; holds what they need.
        blueprints: what services are launched by.
    """

    sources: Sources
    before: Configuration
    after: Configuration
    steps: tuple[Step, ...]
    transaction: Transaction
    blueprints: Blueprints

    @property
    def is_nothing(self) -> bool:
        """Whether nothing changes."""
        return all(step.action is Action.KEEP for step in self.steps)


async def propose(
    node: Node,
    world: World,
    sources: Sources,
    *,
    before: Configuration,
    after: Configuration,
    journal: Journal,
) -> Proposal:
    """Plan a change and have all of it verified at once.

    Raises ConfigurationRefused with everything that speaks against it; nothing is held then. Cancelling gives all back.
    """
    old, new = resources(before), resources(after)
    steps = plan(old, new, differ(before, after))
    transaction = Transaction(steps, new, world.realizers, before=world.things, journal=journal)
    problems = too_many(node, after) + _unrealised(new, world)
    is_held = True
    try:
        await transaction.prepare()
    except ConfigurationRefused as error:
        problems += error.problems
        is_held = False
    try:
        about = await facts(node, after, _addresses(after, transaction))
        blueprints = Blueprints(after, about, node.posix.users)
        problems += await _verify(node, blueprints, moving(steps), with_sockets=is_held)
        _refuse(problems)
    except BaseException:
        await transaction.release()
        raise
    return Proposal(sources, before, after, steps, transaction, blueprints)


def _unrealised(new: Resources, world: World) -> list[str]:
    """What a module declares and none realises: it failed."""
    known = {SERVICE, *world.realizers}
    return [
        f"cannot make {key}: no module realises it\n   see: snowfox modules"
        for key in new
        if key.kind not in known
    ]


def _refuse(problems: Sequence[str]) -> None:
    if not problems:
        return
    more = len(problems) - MOST_PROBLEMS
    listed = [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
    raise ConfigurationRefused("refused: nothing was changed", "", listed)


def moving(steps: Sequence[Step]) -> frozenset[str]:
    """Services that will be launched for a change, or may be: those that are new or differ."""
    still = {Action.KEEP, Action.REMOVE}
    return frozenset(step.key.name for step in steps if step.key.kind == SERVICE and step.action not in still)


async def _verify(
    node: Node, blueprints: Blueprints, names: frozenset[str], *, with_sockets: bool
) -> list[str]:
    launches, errors = blueprints.prepare(names)
    if not with_sockets:  # why they are not there is told already
        launches = [launch._replace(sockets=[], socket_names=[]) for launch in launches]
    problems = [lines(error) for error in errors]
    return problems + [_shown(refusal) for refusal in await refusals(node.connector, launches)]


def _shown(refusal: Refusal) -> str:
    return "\n   ".join((refusal.text, *refusal.hint.splitlines()))


def _addresses(after: Configuration, transaction: Transaction) -> dict[str, str]:
    """Addresses of all sockets as they will be, ports that the kernel chose filled in."""
    addresses: dict[str, str] = {}
    for name in after.sockets:
        addresses |= transaction.expected(ResourceKey("socket", name), Open((), {})).addresses
    return addresses
