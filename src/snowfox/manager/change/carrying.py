"""A proposal carried out: applied step by step, waited for, made the one in force; or all of it undone.

```text
journal: applying ─▶ sockets listen, modules' resources change ─▶ services move ─▶ all ready ─▶ in force, journal: retiring
                                        │ one fails, or does not get ready                        ─▶ what has no place ends
                                        ▼
                     journal: undoing ─▶ services move back ─▶ resources undone ─▶ as it was (or degraded: what is not)
```
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from snowfox.core.config.plan import Action, Step
from snowfox.core.context import DynamicContext
from snowfox.core.event.fact import Fact
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.store.api import Version
from snowfox.core.trace import Trace, within
from snowfox.errors import Degraded, SnowFoxError, StoreError
from snowfox.manager.blueprint import Blueprints, kept
from snowfox.manager.change.fact import ChangedFact, DegradedFact, StepFact, WentBackFact
from snowfox.manager.change.interrupted import RESTART, Interruption, action_of, interrupted
from snowfox.manager.change.proposal import Proposal
from snowfox.manager.change.record import APPLYING, RETIRING, UNDOING, Change
from snowfox.manager.engine.view import few
from snowfox.manager.node import Node
from snowfox.manager.operation.operation import Operation
from snowfox.manager.source import pack
from snowfox.service import effects, event
from snowfox.service.resources import SERVICE
from snowfox.service.spec import Configuration
from snowfox.values import Seconds

DONE, ROLLED_BACK, DEGRADED, NOT_READY = 0, 4, 5, 1
"""Exit codes of whoever asked."""

_LATEST: Final[Seconds] = 24 * 3600.0
"""How long services may take to get ready or to end: their own limits come first."""
_AS_BEFORE: Final[Seconds] = 30.0
"""How long what had been well may take to be so again, beside what had failed before."""
_WELL: Final = frozenset({"ready", "finished"})

_OURS: Final = 1
"""Pins on the context that a change itself has."""

_log: Final = get("manager.change")

_WORDS: Final = {
    Action.CREATE.value: "created",
    Action.UPDATE.value: "updated",
    Action.REPLACE.value: "replaced",
    RESTART: "restarted",
    Action.REMOVE.value: "removed",
    Action.KEEP.value: "kept",
}


class Outcome(NamedTuple):
    """How it ended: a word (`done`, `unchanged`, `rolled back`, `degraded`, `failed`), an exit code, a line, lines before it.

    `is_in_force`: whether it is, also where something is not as it should be.
    """

    word: str
    code: int
    message: str
    details: tuple[str, ...] = ()
    is_in_force: bool = False


def emit(node: Node, operation: Operation, fact: Fact) -> None:
    """Tell what happens to a change, in its operation's trace."""
    with within(Trace(operation.id, operation.id)):
        node.bus.emit(fact, subject=operation.id)


class Carrying:
    """Carries out one proposal.

    Args:
        node: where.
        operation: that it belongs to.
        proposal: what.
        keep: whether to stay with it when something does not get ready.
        put: stores what becomes of the change; raises StoreError.
        former: what services are launched by now.
    """

    def __init__(
        self,
        node: Node,
        operation: Operation,
        proposal: Proposal,
        *,
        keep: bool,
        put: Callable[[Change | None, Version | None], Awaitable[None]],
        former: Blueprints,
    ) -> None:
        self._node = node
        self._operation = operation
        self._proposal = proposal
        self._keep = keep
        self._put = put
        self._former = former
        self._given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._were_well: list[str] = []
        self._services = _moving(proposal)
        self._gaps = interrupted(proposal.steps, proposal.after, {})
        self._begun: list[Step] = []
        self._is_in_force = False

    def give_up(self, why: str) -> None:
        """Go back, where it is not in force yet; `run` tells how that ended."""
        if not self._given_up.done():
            self._given_up.set_result(why)

    async def run(self) -> Outcome:
        """Do it. Raises StoreError: nothing was changed. Cancelling leaves it as it is, for the next manager."""
        proposal = self._proposal
        try:
            await self._put(self._change(APPLYING), None)
        except BaseException:
            await proposal.transaction.release()
            raise
        with DynamicContext.instance().pinned():
            try:
                return await self._there_or_back()
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not leave things halfway
                return await self._failed_inside(error)

    async def _there_or_back(self) -> Outcome:
        proposal = self._proposal
        try:
            arrived = await self._forward()
        except Degraded as error:
            return await self._degraded(str(error))
        except SnowFoxError as error:
            return await self._back(str(error))
        if self._node.board.phase != "up":  # who begins next finds it as it was left
            return Outcome("interrupted", NOT_READY, "interrupted: the node goes down")
        if self._given_up.done():
            return await self._back(self._given_up.result())
        if not arrived.is_well and not self._keep:
            return await self._back(arrived.message, _advice(proposal, arrived.lost))
        return await self._finish("" if arrived.is_well else arrived.message)

    async def _failed_inside(self, error: Exception) -> Outcome:
        """It goes back where it is not in force yet, and tells what that leaves."""
        _log.error("a change failed inside", operation=self._operation.id, error=repr(error))
        reason = f"it failed inside: {type(error).__name__}: {error}"
        after = self._proposal.after.version
        if self._is_in_force:
            left = [*await self._retire(), *await self._proposal.transaction.finish()]
            await self._end()
            message = "; ".join((f"{after[:7]} is in force, and {reason}", *left))
            return Outcome("failed", NOT_READY, message, is_in_force=True)
        try:
            return await self._back(reason)
        except Exception as again:  # noqa: BLE001 - as above
            return await self._degraded(f"{reason}; going back: {type(again).__name__}: {again}")

    async def _forward(self) -> effects.Arrived:
        """Apply all; whether all got ready."""
        proposal, node = self._proposal, self._node
        await proposal.transaction.apply()
        self._begun = self._services
        for step in self._begun:
            self._tell(step, "begins")
        await self._flush()
        node.see(proposal.before, proposal.after)
        self._were_well = [one for one, status in node.board.statuses.items() if status.state in _WELL]
        arrived = await self._move(proposal.after, proposal.blueprints, until=self._given_up)
        for step in self._services:
            if step.action is Action.REMOVE:
                continue
            if arrived.is_well:
                self._tell(step, "done")
            elif not {*proposal.after.services[step.key.name].ids()}.isdisjoint(arrived.lost):
                self._tell(step, "failed")
        return arrived

    async def _finish(self, reason: str) -> Outcome:
        """In force from now on, whatever fails yet."""
        proposal, node = self._proposal, self._node
        sources, after = proposal.sources, proposal.after
        try:
            await self._put(self._change(RETIRING), self._version())
        except StoreError as error:
            return await self._back(str(error))
        self._is_in_force = True
        context = DynamicContext.instance()
        node.use(sources, after, proposal.transaction.things)
        node.see(proposal.before, after)  # what goes can be seen until it is gone
        for step in self._services:
            if step.action is Action.UPDATE:
                service = after.services[step.key.name]
                for instance in service.ids():
                    node.output.limit(instance, kept(service))
        left = await self._retire()
        for step in self._services:
            if step.action is Action.REMOVE:
                self._tell(step, "failed" if left else "done")
        node.see(after)
        left += await self._finish_things(context)
        self._emit(ChangedFact(proposal.before.version, after.version))
        await self._end()
        details = tuple(f"left behind: {line}" for line in left)
        if reason:
            message = f"{after.version[:7]} is in force, and {reason}"
            return Outcome("failed", NOT_READY, message, details, is_in_force=True)
        if proposal.is_nothing and proposal.before.version == after.version:
            message = f"{after.version[:7]} is in force already: nothing changed"
            return Outcome("unchanged", DONE, message, details, is_in_force=True)
        message = f"{after.version[:7]} is in force: {_counts(proposal.steps, self._gaps)}"
        return Outcome("done", DONE, message, details, is_in_force=True)

    async def _finish_things(self, before: DynamicContext) -> list[str]:
        """End what resources have no place any more, of modules' only when nobody uses the context of before."""
        transaction, node = self._proposal.transaction, self._node
        if before.pins <= _OURS:
            return await transaction.finish()

        async def later() -> None:
            for line in await transaction.finish(outlasting=True):
                _log.error("left behind", what=line)

        before.on_release("modules' resources", lambda: node.beside(later(), "retire"))
        return await transaction.finish(outlasting=False)

    async def _back(self, reason: str, advice: tuple[str, ...] = ()) -> Outcome:
        """As it was before."""
        proposal, node = self._proposal, self._node
        left: list[str] = []
        try:
            await self._put(self._change(UNDOING), None)
        except StoreError as error:  # a phase that is not stored says no less: at `before`
            left.append(str(error))
        arrived = await self._move(proposal.before, self._former)
        # What had failed before may fail again: then all is as it was.
        if not arrived.is_well and not await node.board.until_state(
            self._were_well, "ready", within=_AS_BEFORE
        ):
            left.append(arrived.message)
        left += await self._retire()
        try:
            await proposal.transaction.undo()
        except Degraded as error:
            left.append(str(error))
        node.see(proposal.before)
        if left:
            return await self._degraded(f"{reason}; {'; '.join(left)}")
        for step in reversed(self._begun):
            self._tell(step, "undone")
        self._emit(WentBackFact(proposal.before.version, proposal.after.version, reason))
        await self._end()
        message = f"rolled back to {proposal.before.version[:7]}: {reason}"
        return Outcome("rolled back", ROLLED_BACK, message, advice)

    async def _degraded(self, reason: str) -> Outcome:
        before, after = self._proposal.before.version, self._proposal.after.version
        self._emit(DegradedFact(before, after, reason))
        await self._end()
        return Outcome("degraded", DEGRADED, f"degraded: {before[:7]} is in force, and {reason}")

    async def _move(
        self,
        configuration: Configuration,
        blueprints: Blueprints,
        *,
        until: asyncio.Future[str] | None = None,
    ) -> effects.Arrived:
        node, operation = self._node, self._operation
        node.blueprints = blueprints
        node.driver.use(blueprints)
        node.operations.assign(operation, _instances(self._proposal, self._gaps))
        return await self._arrived(event.Reconfigure(operation.id, configuration), until=until)

    async def _retire(self) -> list[str]:
        arrived = await self._arrived(event.Retire(self._operation.id))
        return [] if arrived.is_well else [arrived.message]

    async def _arrived(
        self, happened: event.Event, *, until: asyncio.Future[str] | None = None
    ) -> effects.Arrived:
        """How what is told ends; `until` ends the waiting before."""
        arrival = self._node.driver.arrival(self._operation.id)
        self._node.driver.tell(happened)
        waits: set[asyncio.Future[Any]] = {arrival} if until is None else {arrival, until}
        await asyncio.wait(waits, timeout=_LATEST, return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result()
        self._node.driver.tell(event.Abandon(self._operation.id))
        why = until.result() if until is not None and until.done() else "it took more than a day"
        return effects.Arrived(self._operation.id, is_well=False, message=why)

    def _change(self, phase: str) -> Change:
        operation, proposal = self._operation, self._proposal
        return Change(operation.id, operation.number, proposal.before.version, proposal.after.version, phase)

    def _version(self) -> Version:
        operation, sources = self._operation, self._proposal.sources
        version, content = self._proposal.after.version, pack(sources)
        return Version(version, 0, sources.called, content, sources.commit, operation.who, operation.number)

    async def _end(self) -> None:
        """Nothing is under way any more. What cannot be stored now is in the journal all the same."""
        try:
            await self._put(None, None)
        except StoreError as error:
            self._node.note(str(error))

    def _tell(self, step: Step, what: str) -> None:
        self._emit(StepFact(str(step.key), step.action.value, what))

    def _emit(self, fact: Fact) -> None:
        emit(self._node, self._operation, fact)

    async def journal(self, step: Step, what: str) -> None:
        """Keep a step. Raises StoreError when it cannot be kept."""
        self._tell(step, what)
        await self._flush()

    async def _flush(self) -> None:
        if not await self._node.keeper.flush():
            raise StoreError(self._node.keeper.problem)


def _counts(steps: tuple[Step, ...], gaps: Mapping[str, Interruption]) -> str:
    counts = Counter(action_of(step, gaps) for step in steps)
    told = [f"{counts[action]} {word}" for action, word in _WORDS.items() if counts[action]]
    return ", ".join(told) or "nothing in it"


def _moving(proposal: Proposal) -> list[Step]:
    """Steps of services that do not stay as they are."""
    return [step for step in proposal.steps if step.key.kind == SERVICE and step.action is not Action.KEEP]


def _instances(proposal: Proposal, gaps: Mapping[str, Interruption]) -> list[str]:
    """Of services that move or are restarted with others, in both versions."""
    steps = _moving(proposal)
    names = gaps.keys() | {step.key.name for step in steps} | {step.was.name for step in steps if step.was}
    both = (proposal.before.services, proposal.after.services)
    return [one for services in both for name in names if name in services for one in services[name].ids()]


def _advice(proposal: Proposal, lost: tuple[str, ...]) -> tuple[str, ...]:
    """What may be the matter where something new failed and something else was to go."""
    services = _moving(proposal)
    new = [step.key.name for step in services if step.action is Action.CREATE]
    failed = [name for name in new if any(one in lost for one in proposal.after.services[name].ids())]
    gone = [step.key.name for step in services if step.action is Action.REMOVE]
    if not failed or not gone:
        return ()
    rule = "what is removed goes only once all else is ready"
    return (f"{rule}: if {few(failed)} needs a port of {few(gone)}, apply that removal alone first",)
