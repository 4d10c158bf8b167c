"""A plan: a change that is read, checked and verified, and of which nothing happens."""

from __future__ import annotations

from contextlib import suppress

from snowfox.contract.manager import Plan
from snowfox.core.config.source import Sources
from snowfox.errors import ConfigurationRefused, StoreError
from snowfox.manager.change import view
from snowfox.manager.change.interrupted import UNKNOWN
from snowfox.manager.change.proposal import propose
from snowfox.manager.change.versions import line_of_sources
from snowfox.manager.change.world import World
from snowfox.manager.node import Node
from snowfox.service.resources import carried
from snowfox.service.spec import Configuration


async def planned(node: Node, world: World, sources: Sources, *, before: Configuration) -> Plan:
    """What would become of a change to these files; all that it took is given back.

    Args:
        node: where.
        world: what is there.
        sources: that were read.
        before: the configuration in force.

    Raises ConfigurationRefused when they are wrong in themselves.
    """
    checked = node.check(sources)
    after = carried(before, checked.require())
    refusals: list[str] = []
    try:
        proposal = await propose(node, world, sources, before=before, after=after, journal=unkept)
    except ConfigurationRefused as error:
        refusals = error.problems or [str(error)]
    else:
        await proposal.transaction.release()
    plan = view.plan(before, after, node.measured)
    if any(line.away == UNKNOWN for line in plan.steps):
        with suppress(StoreError):  # then nobody knows
            plan = view.plan(before, after, {**await node.storage.measured(), **node.measured})
    return plan._replace(
        after=line_of_sources(sources, id=after.version, now=before.version),
        refusals=refusals,
        warnings=[problem.show() for problem in checked.warnings],
    )


async def unkept(*_: object) -> None:
    """What is only planned, and what a node begins with, is not journalled step by step."""
