"""Module `demand`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from snowfox.core.module import Setup, module
from snowfox.manager.demand.attendant import Attendant
from snowfox.manager.demand.connections import is_busy
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.service.event import Event


@module(Level.ENGINE, after="connector", essential=True)
async def demand(setup: Setup) -> AsyncIterator[None]:
    """Services that start on demand are called when something comes for them, and sleep when nothing did for long."""
    node: Node = setup.context

    def busy(keys: Sequence[str]) -> bool:
        known = node.blueprints.addresses
        return is_busy(node.posix, [known.get(key, key.partition("=")[2]) for key in keys])

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    node.attendant = Attendant(
        node.clock,
        node.alarms,
        watches=node.connector.knocks,
        is_busy=busy,
        tell=tell,
    )
    yield
    node.attendant.close()
