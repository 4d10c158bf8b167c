"""Module `probes`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.core.module import Setup, module
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.probe.notify import NotifyReader
from snowfox.manager.probe.prober import Means, Prober
from snowfox.service.event import Event
from snowfox.values import Exit


@module(Level.ENGINE, after="connector", essential=True)
async def probes(setup: Setup) -> AsyncIterator[None]:
    """Services are asked whether they are ready, and heard when they say so."""
    node: Node = setup.context

    async def helper(instance: str, command: tuple[str, ...]) -> Exit:
        return await node.connector.helper(node.blueprints.helper(instance, command, node.ids.new()))

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    node.prober = Prober(
        Means(node.posix, node.clock, helper=helper),
        node.alarms,
        tell,
    )

    def notified(pid: int, session: int) -> bool:
        counts = node.connector.notified(pid, session)
        if counts:
            node.keeper.hurry()  # it is not said again to a manager that takes our place
        return counts

    reader = NotifyReader(node.posix, node.welcome.notify.take(), notified)
    node.loop.add_reader(reader.descriptor, reader.turn)
    yield
    node.loop.remove_reader(reader.descriptor)
    node.posix.files.close(reader.descriptor)
    node.prober.close()
