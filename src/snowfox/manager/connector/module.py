"""Module `connector`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from snowfox.contract.record import instance_of
from snowfox.core.log import get
from snowfox.core.module import Setup, module
from snowfox.errors import PosixError
from snowfox.manager.connector.connector import Connector
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.probe.listening import listener
from snowfox.manager.probe.notice import Notice
from snowfox.manager.repository import Means, Repository
from snowfox.manager.source import Reader
from snowfox.service.beside import Beside
from snowfox.service.environment_files import needed
from snowfox.service.event import Event
from snowfox.values import Exit

_log: Final = get("manager.connector")


@module(Level.ENGINE, after="output", essential=True)
async def connector(setup: Setup) -> AsyncIterator[None]:
    """Requests go to the spawner as soon as there is a session with it; so does git for a configuration."""
    node: Node = setup.context

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    def captured(token: str, log: str, descriptor: int) -> None:
        instance = instance_of(token)
        try:
            node.output.attach(
                log, descriptor, node.blueprints.log(instance), listener(node, token, instance)
            )
        except PosixError as error:
            _log.error("cannot read the output of a service", log=log, error=str(error))

    def heard(token: str, notice: Notice) -> None:
        node.hearing.take(token, notice)

    node.connector = Connector(tell=tell, captured=captured, heard=heard, loop=node.loop)

    def run(instance: str, words: tuple[str, ...], feed: Callable[[int], None]) -> Awaitable[Exit]:
        launch = node.blueprints.helper(instance, Beside("forward", words), node.ids.new())
        return node.connector.helper(launch._replace(input=True), feed=feed)

    node.output.forwards.run = run
    means = Means(node.posix, node.welcome, node.ids.new, node.connector.helper)
    node.reader = Reader(
        node.daemon,
        node.posix,
        folder=node.welcome.root,
        repository=Repository(means),
        shown=node.welcome.shown,
        further=needed,
    )
    yield
    await node.connector.close()
