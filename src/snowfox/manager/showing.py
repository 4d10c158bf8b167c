"""All about one service, for `snowfox show`."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any, Final

from snowfox.contract.manager import Ending, LogLine, ServiceView
from snowfox.core.context import DynamicContext
from snowfox.core.store.api import FactRow, Query
from snowfox.errors import NotFound
from snowfox.manager.effective import effective
from snowfox.manager.node import SERVICE, Node
from snowfox.manager.source import check
from snowfox.service.fact import ServiceDue, ServiceExited, ServiceSkipped
from snowfox.service.pattern import select
from snowfox.service.story import exit_text

LINES: Final = 20
"""Last lines of output."""
EXITS: Final = 5
"""Last ends."""

_LOOKED_AT: Final = 200
_TOLD: Final = frozenset({ServiceExited.kind, ServiceDue.kind, ServiceSkipped.kind})

NEXT_RUNS: Final = 3
"""Times that a schedule names next."""


async def show(node: Node, name: str) -> ServiceView:
    """All about it; the files are checked again for who wrote what. Raises NotFound, StoreError, PosixError."""
    await node.until_known()
    context = DynamicContext.instance()
    sources = node.sources
    if sources is None or (SERVICE, name) not in context:
        select(name, node.services)
        msg = f"{name} is no name of a service"
        raise NotFound(msg, "name the service, as web of web@1")
    service = context[SERVICE, name]
    ids = list(service.ids())
    exits: list[Ending] = []
    lines: list[LogLine] = []
    await node.keeper.flush()
    for instance in ids:
        rows = await node.store.facts(Query(subject=instance, last=_LOOKED_AT))
        told = [_ending(node, row) for row in rows if row.kind in _TOLD]
        exits += [one for one in told if one is not None][-EXITS:]
        lines += await node.output.last([instance], LINES)
    return ServiceView(
        name,
        effective(service, check(sources, node.sections, node.scales)),
        await node.rows(ids),
        sorted(exits, key=attrgetter("at"))[::-1][:EXITS],
        sorted(lines, key=attrgetter("at"))[-LINES:],
        node.scheduler.upcoming(name, NEXT_RUNS),
    )


def _ending(node: Node, row: FactRow) -> Ending | None:
    """How a run ended, or that it was missed; None for one that began at its time."""
    fact: dict[str, Any] = json.loads(row.fact)
    if row.kind != ServiceExited.kind:
        if row.kind == ServiceDue.kind and not fact["missed"]:
            return None
        planned = node.scheduler.spoken(row.subject.partition("@")[0], fact["planned"])
        text = f"did not run: {fact['reason']}" if "reason" in fact else "missed, runs once for it now"
        return Ending(row.at, row.subject, f"run of {planned}: {text}" if planned else text)
    return Ending(row.at, row.subject, exit_text(fact))
