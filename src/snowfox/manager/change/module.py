"""Module `changes`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.core.event.fact import Event
from snowfox.core.module import Setup, module
from snowfox.manager.change.changes import Changes
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.service.fact import ServiceReady


@module(Level.ENGINE, after="engine", essential=True)
async def changes(setup: Setup) -> AsyncIterator[None]:
    """The configuration can be planned, changed, confirmed and taken back."""
    node: Node = setup.context
    made = node.changes = Changes(node)

    def measure(event: Event[ServiceReady]) -> None:
        node.measure(event.subject, event.fact.seconds)

    unsubscribe = node.bus.subscribe(ServiceReady, measure)
    yield
    unsubscribe()
    await made.close()
