"""Finds the manager's modules and sets them up; module `engine`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.contract.manager import ModuleLine
from snowfox.core.config.transaction import Realizer
from snowfox.core.context import StaticContext
from snowfox.core.discovery import discover
from snowfox.core.module import Module, Modules, Setup, module
from snowfox.core.packages import ENTRY_POINTS
from snowfox.manager.driver import Driver
from snowfox.manager.level import Level
from snowfox.manager.node import Node


def find() -> list[Module]:
    """All modules: ours, and those of installed distributions. Imports them. Raises ModuleFailed."""
    return discover(["snowfox.manager"], ENTRY_POINTS)


async def set_up(node: Node, found: list[Module]) -> Modules:
    """Set up all modules for a node; the static context is there once the store is. Raises ModuleFailed."""
    modules = Modules(found, node)

    def lines() -> list[ModuleLine]:
        return [
            ModuleLine(one.name, one.level, one.state, one.package, one.essential) for one in modules.states()
        ]

    node.lines = lines
    await modules.setup(until=Level.STORE)
    StaticContext(
        node.posix,
        node.clock,
        node.ids,
        node.store,
        {"logs": node.welcome.logs.number},
        modules.names,
    ).install()
    await modules.setup()
    brought = modules.added(Realizer)  # type: ignore[type-abstract] # what modules add is not
    node.changes.realize(one() if isinstance(one, type) else one for one in brought)
    return modules


@module(Level.ENGINE, after=("connector", "demand", "operations", "output", "probes"), essential=True)
async def engine(setup: Setup) -> AsyncIterator[None]:
    """What happens is brought to the engine, what it decides is performed."""
    node: Node = setup.context
    node.driver = Driver(
        node.clock,
        ids=node.ids,
        alarms=node.alarms,
        board=node.board,
        operations=node.operations,
    )
    yield
    node.alarms.close()
