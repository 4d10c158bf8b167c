"""The operations of a node: begun, stepped, ended; kept in the store, the last ones in memory for their readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from snowfox.contract.manager import Progress
from snowfox.core.clock import Clock
from snowfox.core.ids import Ids
from snowfox.manager.alarm import Alarms
from snowfox.manager.operation.operation import Operation, Verdict
from snowfox.service.effects import Stepped
from snowfox.service.status import Status
from snowfox.values import Seconds

MOST_KEPT: Final = 20
"""Ended operations that stay in memory."""
SHOWN_AFTER: Final[Seconds] = 1.0
"""An operation that takes longer tells what its instances are doing meanwhile: of a thousand that is a thousand steps."""
_UNDER_WAY: Final = frozenset({"waiting", "starting", "stopping"})


class Operations:
    """All operations.

    Args:
        clock: their times.
        ids: their ids.
        alarms: the timers.
        keep: called with an operation when it begins and when it ends, to be stored.
        last: the highest number that was given before.
        now: how an instance is now; None where nobody knows.
    """

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        *,
        alarms: Alarms,
        keep: Callable[[Operation], None],
        last: int = 0,
        now: Callable[[str], Status | None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._alarms = alarms
        self._keep = keep
        self._number = last
        self._now = now
        self._all: dict[str, Operation] = {}
        self._of_instance: dict[str, Operation] = {}

    def open(self, verb: str, who: str, instances: tuple[str, ...]) -> Operation:
        """Begin one. An instance belongs to the last operation that named it."""
        self._number += 1
        now = self._clock.now()
        operation = Operation(
            self._ids.new(), self._number, verb=verb, who=who, at=self._clock.wall(), began=now
        )
        self.assign(operation, instances)
        self._all[operation.id] = operation
        self._drop_old()
        self._keep(operation)
        self._alarms.set(SHOWN_AFTER, lambda: self._show(operation))
        return operation

    def assign(self, operation: Operation, instances: Iterable[str]) -> None:
        """What these do from now on is part of this operation."""
        for instance in instances:
            operation.instances.add(instance)
            self._of_instance[instance] = operation

    def join(self, id: str, instances: Iterable[str]) -> None:
        """As `assign`, by the operation's id. Unknown ones are fine."""
        operation = self._all.get(id)
        if operation is not None:
            self.assign(operation, instances)

    def of(self, subject: str) -> Operation | None:
        """The operation that an instance belongs to now; of an operation's id, itself."""
        return self._of_instance.get(subject) or self._all.get(subject)

    def latest(self, verb: str) -> Operation | None:
        """The last operation with this verb that is still in memory."""
        return next((one for one in reversed(self._all.values()) if one.verb == verb), None)

    def step(self, stepped: Stepped) -> None:
        """An instance got there, or will not."""
        operation = self._all.get(stepped.operation)
        if operation is not None:
            age = self._age(operation)
            step = Progress(
                stepped.instance,
                stepped.state,
                stepped.message,
                age,
                is_well=stepped.is_well,
                is_settled=True,
            )
            operation.add(step)

    def changed(self, status: Status) -> None:
        """An instance changed; told where its operation takes long."""
        operation = self._of_instance.get(status.id)
        if operation is not None and operation.is_shown_live and status.state in _UNDER_WAY:
            operation.add(Progress(status.id, status.state, status.message, self._age(operation)))

    def end(self, id: str, outcome: str, message: str, code: int, *, details: tuple[str, ...] = ()) -> None:
        """It is over, by its verdict where it has one. Unknown ones are fine."""
        operation = self._all.get(id)
        if operation is None or operation.end is not None:
            return
        # Of a start it says whether the node stays, which it does though a service does not.
        end = Verdict(outcome, message, code, details, is_well=not code or operation.verb == "up")
        if operation.verdict is not None:
            lines = operation.verdict.details
            end = operation.verdict._replace(details=(*lines, message) if code else lines)
        age = self._age(operation)
        operation.add(
            Progress(
                "",
                end.state,
                end.message,
                age,
                last=True,
                code=end.code,
                details=list(end.details),
                is_well=end.is_well,
            )
        )
        for instance in operation.instances:
            if self._of_instance.get(instance) is operation:
                del self._of_instance[instance]
        self._keep(operation)

    def _age(self, operation: Operation) -> int:
        return round((self._clock.now() - operation.began) * 1000)

    def _show(self, operation: Operation) -> None:
        if operation.end is not None:
            return
        operation.is_shown_live = True
        for instance in operation.instances:
            status = self._now(instance)
            if status is not None and self._of_instance.get(instance) is operation:
                self.changed(status)

    def _drop_old(self) -> None:
        ended = [operation for operation in self._all.values() if operation.end is not None]
        for operation in ended[: max(0, len(ended) - MOST_KEPT)]:
            del self._all[operation.id]
