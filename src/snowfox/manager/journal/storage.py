"""How the manager's things are written down in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from snowfox.contract.manager import EventLine
from snowfox.core.clock import Clock
from snowfox.core.event.fact import Event
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.store.api import FactRow, Query, Store, Version
from snowfox.core.store.api import Operation as OperationRow
from snowfox.manager.journal.keeper import Batch
from snowfox.manager.operation.operation import Operation
from snowfox.service.fact import ServiceReady
from snowfox.service.status import Status
from snowfox.values import Seconds

_NODE: Final = "~node"
"""The entry of the node itself among the statuses; no instance has such a name."""

_CHANGE: Final = "~change"
"""The entry of what becomes of changes of the configuration."""

_LOOKED: Final = "~looked "
"""What the entries of schedules begin with among the statuses."""

_MOST_MEASURED: Final = 2_000

_log: Final = get("manager.journal")


class Remembered(NamedTuple):
    """What a manager finds.

    Args:
        wanted: what people asked for, by instance or service.
        statuses: how instances were, when the host has not been booted since.
        number: the last operation's.
        daemon: the start of the daemon under which it was written.
        version: id of the configuration in force then.
        change: what became of changes of the configuration, see `change.record`.
        looked: up to which wall clock ms the schedules of services were looked at.
    """

    wanted: dict[str, str]
    statuses: dict[str, Status]
    number: int
    daemon: str
    version: str
    change: str = ""
    looked: Mapping[str, int] = MappingProxyType({})


class Storage:
    """Between the manager and its store.

    Args:
        store: open.
        clock: for times of operations.
        boot: names this run of the host; statuses of another are of no use.
    """

    def __init__(self, store: Store, clock: Clock, *, boot: str) -> None:
        self._store = store
        self._clock = clock
        self._boot = boot

    async def load(self) -> Remembered:
        """What was kept. Raises StoreError."""
        statuses = await self._store.statuses()
        node: dict[str, str] = _parsed(statuses.pop(_NODE, "{}")) or {}
        change = statuses.pop(_CHANGE, "")
        looked = {
            name.removeprefix(_LOOKED): int(statuses.pop(name))
            for name in list(statuses)
            if name.startswith(_LOOKED) and statuses[name].isdigit()
        }
        is_same_boot = node.get("boot") == self._boot
        return Remembered(
            await self._store.wanted(),
            _statuses(statuses) if is_same_boot else {},
            await self._store.last_number(),
            node.get("daemon", "") if is_same_boot else "",
            node.get("version", "") if is_same_boot else "",
            change,
            looked,
        )

    async def configuration(self, version: str) -> bytes | None:
        """The content of a version. Raises StoreError."""
        found = await self._store.version(version)
        return found.content if found else None

    async def use_configuration(self, version: Version, *, daemon: str) -> None:
        """This version is in force for this start of the daemon. Raises StoreError."""
        async with self._store.transaction() as change:
            change.put_version(version)
            node = {"boot": self._boot, "daemon": daemon, "version": version.id}
            change.put_status(_NODE, json.dumps(node))

    async def put_change(self, change: str) -> None:
        """What becomes of a change, before it becomes so. Raises StoreError."""
        async with self._store.transaction() as kept:
            kept.put_status(_CHANGE, change)

    async def switch(self, version: Version, change: str, *, daemon: str) -> None:
        """Another version is in force, and what that means for the change, at once. Raises StoreError."""
        async with self._store.transaction() as kept:
            kept.put_version(version._replace(at=self._clock.wall()))
            node = {"boot": self._boot, "daemon": daemon, "version": version.id}
            kept.put_status(_NODE, json.dumps(node))
            kept.put_status(_CHANGE, change)

    async def versions(self) -> list[Version]:
        """Those that are kept, the newest last, without their content. Raises StoreError."""
        return await self._store.versions()

    async def write(self, batch: Batch) -> None:
        """All of a batch or nothing. Raises StoreError."""
        async with self._store.transaction() as change:
            for instance, status in batch.statuses.items():
                if status is None:
                    change.drop_status(instance)
                else:
                    change.put_status(instance, json.dumps(_fields(status)))
            for name, until in batch.looked.items():
                if until is None:
                    change.drop_status(f"{_LOOKED}{name}")
                else:
                    change.put_status(f"{_LOOKED}{name}", str(until))
            for name, wanted in batch.wanted.items():
                if wanted is None:
                    change.drop_wanted(name)
                else:
                    change.put_wanted(name, wanted)
            for operation in batch.operations.values():
                change.put_operation(self._row(operation))
            for event in batch.facts:
                change.put_fact(fact_row(event))

    async def last_events(self, count: int) -> list[EventLine]:
        """The newest so many, oldest first. Raises StoreError."""
        return [EventLine(*row) for row in await self._store.facts(Query(last=count))]

    async def measured(self) -> dict[str, Seconds]:
        """How long services took to get ready when they last did, by name, as far back as that is looked for.

        Raises StoreError.
        """
        rows = await self._store.facts(Query(kind=ServiceReady.kind, last=_MOST_MEASURED))
        return {row.subject.partition("@")[0]: json.loads(row.fact)["seconds"] for row in rows}

    def _row(self, operation: Operation) -> OperationRow:
        end = operation.end
        details = {"message": end.message, "code": end.code} if end else {}
        return OperationRow(
            operation.id,
            operation.number,
            operation.verb,
            operation.who,
            operation.at,
            operation.at + end.milliseconds if end else 0,
            end.state if end else "running",
            json.dumps(details),
        )


def fact_row(event: Event[Any]) -> FactRow:
    """An event as it is stored."""
    return FactRow(event.id, event.at, event.kind, event.subject, event.trace, event.cause, event.fact.json())


_NAMES: Final = Status.__match_args__
_fields: Final = attrgetter(*_NAMES)


def _statuses(rows: dict[str, str]) -> dict[str, Status]:
    """Those that can be read; one that cannot is as good as none."""
    found: dict[str, Status] = {}
    for name, text in rows.items():
        fields = _parsed(text)
        try:
            found[name] = Status(**dict(zip(_NAMES, fields, strict=False)))  # one of before has fewer
        except (TypeError, ValueError):
            _log.warning("cannot read how an instance was", instance=name)
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
