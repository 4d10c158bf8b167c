"""Module `connector`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from snowfox.core.module import Setup, module
from snowfox.manager.connector.connector import Connector
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.service.event import Event


@module(Level.ENGINE, after="output", essential=True)
async def connector(setup: Setup) -> AsyncIterator[None]:
    """Requests go to the spawner as soon as there is a session with it."""
    node: Node = setup.context

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    def captured(instance: str, descriptor: int) -> None:
        node.output.attach(instance, descriptor, node.blueprints.log(instance))

    node.connector = Connector(tell=tell, captured=captured, loop=node.loop)
    yield
    await node.connector.close()
