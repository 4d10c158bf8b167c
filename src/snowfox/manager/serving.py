"""Module `commands`: who asks from outside is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

from snowfox.contract.manager import Manager
from snowfox.core.module import Setup, module
from snowfox.core.rpc.interface import Right
from snowfox.core.rpc.server import serve
from snowfox.core.rpc.serving import Caller
from snowfox.manager.handlers import ManagerHandlers
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.values import Seconds

NOTHING: Final[frozenset[str]] = frozenset()
IDLE: Final[Seconds] = 2 * 3600.0
"""How long a command that asks nothing keeps its place; `top` asks once an hour where somebody wants that."""
USE: Final = frozenset((Right.READ, Right.OPERATE))
"""All that there is to do with a node by its socket."""


def grants(starter: int) -> Callable[[Caller], frozenset[str]]:
    """Rights: who started the node, and root, may use it; nobody else may do anything."""

    def granted(caller: Caller) -> frozenset[str]:
        return USE if caller.peer is not None and caller.peer.uid in {starter, 0} else NOTHING

    return granted


@module(Level.GATEWAY, essential=True)
async def commands(setup: Setup) -> AsyncIterator[None]:
    """Commands are answered on the node's socket."""
    node: Node = setup.context
    listener = node.welcome.listener.take()
    granted = grants(node.welcome.starter)
    async with serve(listener, Manager, ManagerHandlers(node), grants=granted, idle_after=IDLE):
        yield
    node.posix.files.close(listener)
