"""Why instances are as they are: from the journal, the operations and the version in force."""

from __future__ import annotations

import json
from typing import Final

from snowfox.contract.manager import Happened, Why
from snowfox.core.store.api import FactRow, Operation, Query
from snowfox.manager.change.versions import line_of
from snowfox.manager.node import Node
from snowfox.service.story import Moment, Told, moments

MOST_INSTANCES: Final = 100
"""Instances that are told about at once."""
LINES: Final = 20
"""Last lines of output of what does not run as wanted."""

_LOOKED_AT: Final = 400
_SILENT: Final = frozenset({"ready", "finished", "stopped", "waiting"})
"""States in which the last lines explain nothing."""


async def why(node: Node, instances: list[str], count: int) -> list[Why]:
    """What led to how these are now.

    Args:
        node: which.
        instances: ids, of which the first `MOST_INSTANCES` are told about.
        count: moments of each, the newest.

    Raises StoreError.
    """
    await node.keeper.flush()
    version = next((one for one in await node.storage.versions() if one.id == node.version), None)
    line = line_of(version, now=node.version, provisional=None) if version else None
    operations: dict[str, Operation | None] = {}
    found: list[Why] = []
    for row in await node.rows(instances[:MOST_INSTANCES]):
        facts = await node.store.facts(Query(subject=row.id, last=_LOOKED_AT))
        told = moments(map(_told, facts))[-count:] if count else []
        happened = [_happened(moment, await _operation(node, moment.trace, operations)) for moment in told]
        lines = [] if row.state in _SILENT else await node.output.last([row.id], LINES)
        found.append(Why(row, happened, line, version.operation if version else 0, lines))
    return found


async def _operation(node: Node, trace: str, known: dict[str, Operation | None]) -> Operation | None:
    if trace not in known:
        known[trace] = await node.store.operation(trace) if trace else None
    return known[trace]


def _told(row: FactRow) -> Told:
    return Told(row.at, row.kind, row.trace, json.loads(row.fact))


def _happened(moment: Moment, operation: Operation | None) -> Happened:
    of = (operation.number, operation.kind, operation.who) if operation else (0, "", "")
    return Happened(moment.at, moment.text, moment.pid, moment.trace, *of)
