"""All about one service, for `snowfox show`."""

from __future__ import annotations

from typing import Final

from snowfox.contract.manager import Effective, LogLine, ServiceView
from snowfox.core.context import DynamicContext
from snowfox.core.store.api import Query
from snowfox.errors import NotFound
from snowfox.manager.node import SERVICE, Node
from snowfox.manager.output.follower import lines_of
from snowfox.service.fact import ServiceExited
from snowfox.service.pattern import select
from snowfox.service.resources import key_of, written
from snowfox.service.spec import Service

LINES: Final = 20
"""Last lines of output of each instance."""
EXITS: Final = 5
"""Last ends of each instance."""

_EXITED: Final = ServiceExited.kind
_NOT_KEYS: Final = frozenset({"name", "owner", "folder"})


async def show(node: Node, name: str) -> ServiceView:
    """All about it. Raises NotFound, StoreError, PosixError."""
    await node.until_known()
    context = DynamicContext.instance()
    if (SERVICE, name) not in context:
        select(name, node.services)
        msg = f"{name} is no name of a service"
        raise NotFound(msg, "name the service, as web of web@1")
    service = context[SERVICE, name]
    ids = list(service.ids())
    exits: list[str] = []
    lines: list[LogLine] = []
    await node.keeper.flush()
    for instance in ids:
        rows = await node.store.facts(Query(subject=instance, last=200))
        exits += [f"{row.at} {instance} {row.fact}" for row in rows if row.kind == _EXITED][-EXITS:]
        tail = await node.output.tail(instance, LINES)
        lines += list(lines_of(instance, tail, LINES, with_rest=True))
    return ServiceView(name, _keys(service), node.board.rows(ids, node.posix), exits, lines)


def _keys(service: Service) -> list[Effective]:
    """Every key with its value; where each comes from is known to the files."""
    names: tuple[str, ...] = service.__match_args__
    return [
        Effective(key_of(name), written(name, getattr(service, name)), "")
        for name in names
        if name not in _NOT_KEYS
    ]
