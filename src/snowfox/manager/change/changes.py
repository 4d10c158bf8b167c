"""Changes of the configuration: one at a time, each an operation; confirmed or taken back; found again after an accident."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from snowfox.contract import manager as contract
from snowfox.core.config.plan import Step
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.source import Sources
from snowfox.core.config.transaction import Realizer
from snowfox.core.log import get
from snowfox.core.store.api import Version
from snowfox.errors import ConfigurationRefused, Degraded, NotNow, SnowFoxError, StoreError, UserError
from snowfox.manager.blueprint import Blueprints, specs_of
from snowfox.manager.change import reading, scaling
from snowfox.manager.change.carrying import Carrying, Outcome, emit
from snowfox.manager.change.fact import StepFact
from snowfox.manager.change.ledger import Ledger
from snowfox.manager.change.options import Options
from snowfox.manager.change.planning import planned, unkept
from snowfox.manager.change.proposal import Proposal, propose
from snowfox.manager.change.record import Change, Provisional
from snowfox.manager.change.running import Running, refuse_beside, refuse_confirming, to_undo
from snowfox.manager.change.sockets import Open, Sockets
from snowfox.manager.change.world import World, lines
from snowfox.manager.node import Node
from snowfox.manager.operation.operation import Operation
from snowfox.service.resources import SOCKET, carried, resources
from snowfox.service.spec import Configuration
from snowfox.values import Seconds

REFUSED: Final = 3
FAILED: Final = 1

_CLOSE_WITHIN: Final[Seconds] = 1.0

_log: Final = get("manager.change")

Read = Callable[[], Awaitable[Sources]]


class Changes:
    """All changes of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._world = World(Sockets(node.connector))
        self._configuration: Configuration | None = None
        self._ledger = Ledger(node, self._expire)
        self._running: list[Running] = []
        self._lock = asyncio.Lock()
        self._is_closing = False
        self._is_first = False
        self._lacking: list[str] = []

    # Beginning and end

    def realize(self, more: Iterable[Realizer]) -> None:
        """Realise what sections of modules make, by what modules bring. Raises ModuleFailed for two of one kind."""
        self._world.realize(more, self._node.keys)

    async def begin(
        self, sources: Sources, configuration: Configuration, addresses: Mapping[str, str], *, note: str = ""
    ) -> None:
        """The node begins with this configuration. What an earlier manager left is told, and goes on.

        Args:
            sources: that it was read from.
            configuration: in force.
            addresses: of its sockets, by key.
            note: a line for `status`, until another version is in force.

        Raises StoreError.
        """
        self._configuration = configuration
        for name, socket in configuration.sockets.items():
            specs = specs_of(socket)
            found = {spec.key: addresses[spec.key] for spec in specs if spec.key in addresses}
            self._world.things.setdefault(ResourceKey(SOCKET, name), Open(specs, found))
        if not self._is_first:
            self._lacking = await self._world.make_again(resources(configuration))
        self._node.use(sources, configuration, self._world.things)
        await self._ledger.begin(configuration.version, is_first=self._is_first, note=note)

    async def first(self, sources: Sources, configuration: Configuration) -> Blueprints:
        """The first configuration of a node: verified as a change from nothing, its sockets open.

        Raises ConfigurationRefused with everything that speaks against it; nothing is held then.
        """
        nothing = Configuration(configuration.node, {}, {}, "", configuration.folder)
        try:
            proposal = await propose(
                self._node, self._world, sources, before=nothing, after=configuration, journal=unkept
            )
            await proposal.transaction.apply()
        except Degraded:
            raise
        except SnowFoxError as error:
            problems = error.problems if isinstance(error, ConfigurationRefused) else [lines(error)]
            msg = "refused: nothing was started"
            raise ConfigurationRefused(msg, "", problems) from error
        self._world.things = dict(proposal.transaction.things)
        self._is_first = True
        return proposal.blueprints

    async def close(self) -> None:
        """Stop what is under way as it is: the next manager finds it."""
        self._is_closing = True
        self._ledger.close()
        tasks = [running.task for running in self._running if running.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:  # what it would give back is the spawner's to end: that may be gone too
            await asyncio.wait(tasks, timeout=_CLOSE_WITHIN)

    @property
    def notes(self) -> list[str]:
        """Lines for `status`."""
        now = self._node.clock.now()
        return [*(one.told(now) for one in self._running), *self._ledger.notes(), *self._lacking]

    @property
    def is_under_way(self) -> bool:
        """Whether any is."""
        return bool(self._running)

    # What people ask

    async def plan(self, source: str) -> contract.Plan:
        """See `contract.manager`."""
        self._in_force("plan")
        refuse_beside("plan", self._running)
        async with self._lock:
            found = await planned(
                self._node,
                self._world,
                await reading.named(self._node, source),
                before=self._in_force("plan"),
            )
            return found._replace(before=_current(await self.versions(), self._node))

    def apply(self, source: str, options: Options, *, who: str) -> Operation:
        """Begin a change to what is there now. Raises NotNow when none can begin."""
        return self._begin("apply", lambda: reading.named(self._node, source), options, who=who)

    def rollback(self, version: str, options: Options, *, who: str) -> Operation:
        """Begin a change to a version that is kept; "": to the one before this. Raises NotNow when none can begin.

        With "" and `supersede` an apply that is under way is undone instead, where it is not in force yet.
        """
        undoes = () if version else to_undo(self._running)
        return self._begin(
            "rollback", lambda: reading.kept(self._node, version), options, who=who, undoes=undoes
        )

    def scale(self, asked: Mapping[str, int], *, who: str) -> Operation:
        """Begin to have so many instances of services. Raises NotNow when that cannot begin, NotFound, UserError."""
        scaling.ask(self._node, self._in_force("scale"), asked)  # what is wrong is told at once
        return self._begin("scale", lambda: reading.in_force(self._node), Options(scaled=asked), who=who)

    async def confirm(self) -> contract.VersionLine:
        """Let the version in force stay. Raises UserError when it cannot be confirmed, StoreError."""
        waits = self._ledger.provisional
        if waits is None:
            msg = "cannot confirm: the version in force is not provisional"
            raise UserError(msg)
        refuse_confirming(waits.version, self._running)
        await self._ledger.confirm()
        return _current(await self.versions(), self._node)

    async def versions(self) -> list[contract.VersionLine]:
        """Those that are kept, the newest last. Raises StoreError."""
        return await reading.lines_of(self._node, self._ledger.provisional)

    # Within

    def _in_force(self, verb: str) -> Configuration:
        if self._configuration is None or self._node.board.phase != "up":
            state = self._node.board.phase
            msg = f"cannot {verb}: the node is {'starting' if state in {'', 'starting'} else 'stopping'}"
            raise NotNow(msg, "try again when it is up: snowfox status")
        return self._configuration

    def _begin(
        self, verb: str, read: Read, options: Options, *, who: str, undoes: Sequence[Running] = ()
    ) -> Operation:
        self._in_force(verb)
        if not options.supersede:
            refuse_beside(verb, self._running)
        waits = self._ledger.provisional
        if waits is not None and verb in {"apply", "scale"} and not options.supersede:
            msg = f"cannot {verb}: {waits.version[:7]} is not confirmed yet"
            raise NotNow(msg, "snowfox confirm, or snowfox rollback, or snowfox apply --supersede")
        operation = self._node.open(verb, who, ())
        running = Running(operation, undoes)
        self._running.append(running)
        running.task = asyncio.get_running_loop().create_task(
            self._run(running, read, options), name=f"{verb} #{operation.number}"
        )
        return operation

    async def _run(self, running: Running, read: Read, options: Options) -> None:
        operation = running.operation
        try:
            outcome = await running.undo(self._node.version) or await self._change(running, read, options)
        except ConfigurationRefused as error:
            text = "\n   ".join((str(error), *error.hint.splitlines()))
            outcome = Outcome("refused", REFUSED, text, tuple(error.problems or ()))
        except SnowFoxError as error:
            outcome = Outcome("refused", REFUSED, "refused: nothing was changed", (lines(error),))
        except asyncio.CancelledError:
            if self._is_closing:
                return
            outcome = Outcome("refused", REFUSED, f"{running.why or 'cancelled'}: nothing was changed")
        except Exception as error:  # noqa: BLE001 - whoever asked must not wait for ever because of a mistake of ours
            _log.error("a change failed inside", operation=operation.id, error=repr(error))
            outcome = Outcome("failed", FAILED, f"failed inside: {type(error).__name__}: {error}")
            await self._ledger.failed(outcome.message)
        finally:
            self._running.remove(running)
        running.outcome = outcome
        self._node.operations.end(
            operation.id, outcome.word, outcome.message, outcome.code, details=outcome.details
        )

    async def _change(self, running: Running, read: Read, options: Options) -> Outcome:
        sources = await read()
        scales = scaling.ask(self._node, self._in_force("change"), options.scaled)
        checked = self._node.check(sources, scales)
        after = checked.require()
        for problem in checked.warnings:
            running.operation.add(contract.Progress("", "warning", problem.show(), 0))
        for other in self._running[: self._running.index(running)]:
            other.supersede(running.operation.number)
        async with self._lock:
            outcome = await self._carry_out(running, sources, after, options)
        return scaling.settle(self._node, after, scales, asked=options.scaled, outcome=outcome)

    async def _carry_out(
        self, running: Running, sources: Sources, after: Configuration, options: Options
    ) -> Outcome:
        configuration = self._in_force("apply")
        after = carried(configuration, after)

        async def journal(step: Step, what: str) -> None:
            if running.carrying is not None:
                await running.carrying.journal(step, what)
            else:  # nothing depends yet on whether it is kept
                emit(self._node, running.operation, StepFact(str(step.key), step.action.value, what))

        proposal = await propose(
            self._node, self._world, sources, before=configuration, after=after, journal=journal
        )

        async def put(change: Change | None, version: Version | None) -> None:
            is_other = options.scaled is None  # who scales it applies no version
            await self._ledger.put(change, version if is_other else None, options.confirm)

        running.carrying = Carrying(
            self._node,
            running.operation,
            proposal,
            keep=options.keep,
            put=put,
            former=self._node.blueprints,
        )
        outcome = await running.carrying.run()
        await self._settle(proposal, outcome, running.note)
        return outcome

    async def _settle(self, proposal: Proposal, outcome: Outcome, note: str) -> None:
        """Take note of how it ended."""
        if not outcome.is_in_force:
            await self._ledger.failed(outcome.message)
            return
        self._configuration = proposal.after
        self._world.things = dict(proposal.transaction.things)
        self._lacking = []
        try:
            await self._ledger.settled(note)
        except StoreError as error:  # it is in force, and that is stored
            self._node.note(f"{error}; what becomes of {proposal.after.version[:7]} is not kept")

    def _expire(self, waits: Provisional) -> bool:
        """Go back from what was not confirmed in time."""
        if self._running or self._is_closing or self._node.board.phase != "up":
            return False
        operation = self.rollback(waits.before, Options(), who="the node, not confirmed in time")
        why = f"{waits.version[:7]} was not confirmed in time"
        self._running[-1].note = f"#{operation.number} went back to {waits.before[:7]}: {why}"
        return True


def _current(versions: Iterable[contract.VersionLine], node: Node) -> contract.VersionLine:
    """The version in force."""
    default = contract.VersionLine(node.version, node.source, node.commit, 0, "", is_current=True)
    return next((one for one in versions if one.is_current), default)
