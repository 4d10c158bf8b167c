"""Module `output`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from snowfox.core.log import get
from snowfox.core.module import Setup, module
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.output.collector import Output

_log: Final = get("manager.output")


@module(Level.ENGINE, essential=True)
async def output(setup: Setup) -> AsyncIterator[None]:
    """What services print is read and written."""
    node: Node = setup.context
    folder = node.welcome.logs.take()
    node.output = Output(node.posix, folder, clock=node.clock, loop=node.loop)
    node.output.start()
    yield
    node.output.forwards.drop()
    if not node.output.close():
        _log.error("the disk did not take all output in time")
    node.posix.files.close(folder)
