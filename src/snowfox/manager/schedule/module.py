"""Module `schedules`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.core.module import Setup, module
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.schedule.scheduler import Scheduler
from snowfox.manager.schedule.zone import host_zone
from snowfox.service.event import Event


@module(Level.ENGINE, after="engine", essential=True)
async def schedules(setup: Setup) -> AsyncIterator[None]:
    """Tasks with a schedule run when it says so."""
    node: Node = setup.context

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    node.scheduler = Scheduler(
        node.clock,
        node.alarms,
        zone=lambda: host_zone(node.posix),
        tell=tell,
        keep=node.keeper.looked,
    )
    node.scheduler.remember(node.remembered.looked)
    yield
    node.scheduler.close()
