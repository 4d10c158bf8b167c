"""Module `operations`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.core.module import Setup, module
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.operation.operations import Operations


@module(Level.ENGINE, after="journal", essential=True)
async def operations(setup: Setup) -> AsyncIterator[None]:
    """What people ask for is numbered and kept."""
    node: Node = setup.context
    node.operations = Operations(
        node.clock,
        node.ids,
        alarms=node.alarms,
        keep=node.keeper.operation,
        last=node.remembered.number,
        now=node.board.now,
    )
    yield
