"""The parts of the manager for one node, put together by its modules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from snowfox.contract.control import Daemon, Welcome
from snowfox.contract.manager import InstanceStatus, ModuleLine, Plan, VersionLine
from snowfox.core.clock import Clock
from snowfox.core.config.registry import Sections
from snowfox.core.config.resource import ResourceKey
from snowfox.core.config.source import Sources
from snowfox.core.config.transaction import Realizer
from snowfox.core.context import DynamicContext, Key
from snowfox.core.event.bus import Bus
from snowfox.core.ids import Ids
from snowfox.core.posix.api import Posix
from snowfox.core.store.api import Store
from snowfox.manager.alarm import Alarms
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.board import Board
from snowfox.manager.change.options import Options
from snowfox.manager.connector.connector import Connector
from snowfox.manager.demand.attendant import Attendant
from snowfox.manager.driver import Driver
from snowfox.manager.figures import Census
from snowfox.manager.freshness import Freshness
from snowfox.manager.journal.journal import Journal
from snowfox.manager.journal.keeper import Keeper
from snowfox.manager.journal.storage import Remembered, Storage
from snowfox.manager.operation.operation import Operation
from snowfox.manager.operation.operations import Operations
from snowfox.manager.output.collector import Output
from snowfox.manager.probe.hearing import Hearing
from snowfox.manager.probe.watching import Watching
from snowfox.manager.schedule.scheduler import Scheduler
from snowfox.manager.source import CHANGED, Reader, check
from snowfox.service.checked import Checked
from snowfox.service.rereading import Former
from snowfox.service.scale import Scales
from snowfox.service.spec import Configuration, Service, Socket
from snowfox.values import Seconds, size_text

SERVICE: Final[Key[Service]] = Key("service")
SOCKET: Final[Key[Socket]] = Key("socket")
THING: Final[Key[object]] = Key("resource")
"""What the dynamic context holds: specs by name; objects of resources by the text of their key, `socket front`."""

_MOST_NOTES: Final = 10
_KNOWN_WITHIN: Final[Seconds] = 5.0


class Changing(Protocol):
    """Changes of the configuration, as the rest of the node sees them: `change.changes.Changes`."""

    def realize(self, more: Iterable[Realizer]) -> None:
        """Realise what sections of modules make, by what modules bring. Raises ModuleFailed for two of one kind."""
        ...

    async def first(self, sources: Sources, configuration: Configuration) -> Blueprints:
        """The first configuration of a node, verified and held. Raises ConfigurationRefused."""
        ...

    async def begin(
        self, sources: Sources, configuration: Configuration, addresses: Mapping[str, str], *, note: str = ""
    ) -> None:
        """The node begins with this configuration. Raises StoreError."""
        ...

    @property
    def notes(self) -> list[str]:
        """Lines for `status`."""
        ...

    @property
    def is_under_way(self) -> bool:
        """Whether a change is."""
        ...

    async def plan(self, source: str) -> Plan:
        """See `contract.manager`."""
        ...

    def apply(self, source: str, options: Options, *, who: str) -> Operation:
        """Begin a change to what is there now. Raises NotNow when none can begin."""
        ...

    def rollback(self, version: str, options: Options, *, who: str) -> Operation:
        """Begin a change to a version that is kept. Raises NotNow when none can begin."""
        ...

    def scale(self, asked: Mapping[str, int], *, who: str) -> Operation:
        """Begin to have so many instances. Raises NotNow, NotFound, UserError."""
        ...

    async def confirm(self) -> VersionLine:
        """Let the version in force stay. Raises UserError when it cannot be confirmed, StoreError."""
        ...

    async def versions(self) -> list[VersionLine]:
        """Those that are kept, the newest last. Raises StoreError."""
        ...


class Node:
    """What modules, handlers and the start of the node share. The modules fill in what has no value here.

    Args:
        posix: the kernel.
        clock: the time.
        loop: the one loop.
        daemon: the session with the daemon.
        welcome: what it told us.
    """

    store: Store
    storage: Storage
    remembered: Remembered
    ids: Ids
    bus: Bus
    keeper: Keeper
    journal: Journal
    operations: Operations
    output: Output
    connector: Connector
    reader: Reader
    hearing: Hearing
    hear_out: Callable[[str], None]
    watching: Watching
    attendant: Attendant
    driver: Driver
    scheduler: Scheduler
    blueprints: Blueprints
    changes: Changing

    def __init__(
        self,
        posix: Posix,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        *,
        daemon: Daemon,
        welcome: Welcome,
    ) -> None:
        self.posix = posix
        self.clock = clock
        self.loop = loop
        self.daemon = daemon
        self.welcome = welcome
        self.alarms = Alarms(clock, loop)
        self.board = Board(clock)
        self.census = Census(posix, clock, self.board.pids)
        self.name = ""
        self.version = self.source = self.commit = ""
        self.measured: dict[str, Seconds] = {}
        self.services: dict[str, tuple[str, ...]] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.sections = Sections(with_installed=True)
        self.keys: dict[str, Key[Any]] = {}
        self.lines: Callable[[], list[ModuleLine]] = list
        self.shell: dict[str, str | None] = {}
        self.scales: Scales = {}
        self.standing_notes: list[str] = []
        self.start_was_told = asyncio.Event()
        self.is_known = asyncio.Event()
        self.sources: Sources | None = None
        self._former: Former | None = None
        self._freshness = Freshness(clock, self._differs)
        self._opened: asyncio.Future[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()

    def check(self, sources: Sources, scales: Scales | None = None) -> Checked:
        """What these files say, read as far as they are not what was checked before.

        Args:
            sources: that were read.
            scales: how many instances people asked for; None: those of now.
        """
        scales = self.scales if scales is None else scales
        checked = check(sources, self.sections, scales, self._former)
        if checked.configuration is not None and not checked.problems:
            self._former = Former(sources, scales, checked.configuration)
        return checked

    def see(self, *configurations: Configuration) -> None:
        """People may name the instances of these: while one takes the place of another, those of both."""
        found: dict[str, tuple[str, ...]] = {}
        for configuration in configurations:
            for name, service in configuration.services.items():
                ids, others = service.ids(), found.get(name, ())
                found[name] = tuple(dict.fromkeys((*others, *ids))) if others else ids
        self.services = found
        self.measured = {name: self.measured[name] for name in found if name in self.measured}
        self.labels = {
            name: service.labels
            for configuration in configurations
            for name, service in configuration.services.items()
            if service.labels
        }

    def use(
        self,
        sources: Sources,
        configuration: Configuration,
        things: Mapping[ResourceKey, object] | None = None,
    ) -> None:
        """This configuration is in force: its context takes the place of the one before.

        Args:
            sources: that it was read from.
            configuration: checked.
            things: the objects of its resources that are no services.
        """
        self.sources = sources
        self.name = configuration.node
        self.version = configuration.version
        self.source, self.commit = sources.called, sources.commit
        self.see(configuration)
        resources: dict[tuple[Key[Any], str], object] = {}
        for key, thing in (things or {}).items():
            resources[THING, str(key)] = thing
            if key.kind in self.keys:
                resources[self.keys[key.kind], key.name] = thing
        resources |= {(SERVICE, name): service for name, service in configuration.services.items()}
        resources |= {(SOCKET, name): socket for name, socket in configuration.sockets.items()}
        DynamicContext(configuration.version, resources).install()

    def measure(self, instance: str, seconds: Seconds) -> None:
        """An instance took so long to get ready. Kept for as long as people may name it."""
        self.measured[instance.partition("@")[0]] = seconds

    def note(self, text: str) -> None:
        """A line that `status` shows from now on, until too many others came."""
        self.standing_notes = [*(one for one in self.standing_notes if one != text), text][-_MOST_NOTES:]

    def beside(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do it beside all else; dropped when the manager ends. It raises nothing."""
        task = self.loop.create_task(work, name=name)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def until_known(self) -> None:
        """Wait, not for long, until it is known what there is to run: a new manager reads that first."""
        if not self.is_known.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_KNOWN_WITHIN):
                    await self.is_known.wait()

    async def operation(self, verb: str) -> Operation:
        """The last operation with this verb; waits until there is one. Without a deadline of its own."""
        while (found := self.operations.latest(verb)) is None:
            if self._opened is None:
                self._opened = self.loop.create_future()
            await asyncio.shield(self._opened)
        return found

    def open(self, verb: str, who: str, instances: tuple[str, ...]) -> Operation:
        """Begin an operation."""
        operation = self.operations.open(verb, who, instances)
        if self._opened is not None:
            self._opened.set_result(None)
            self._opened = None
        return operation

    async def rows(self, instances: list[str]) -> list[InstanceStatus]:
        """Rows of `status` of these, with what their processes take."""
        memory = await self.census.memory(self.board.pids(instances))
        return self.board.rows(instances, memory)

    async def notes(self) -> list[str]:
        """Lines about the node itself, for `status`."""
        notes = [*self.standing_notes, *self.changes.notes]
        if self.keeper.problem:
            notes.append(f"{self.keeper.problem}; what happens is not kept")
        if self.keeper.dropped:
            notes.append(f"{self.keeper.dropped} events could not be kept")
        notes.extend(
            f"{size_text(lost.size)} of the output of {name} lost: {lost.reason}"
            for name, lost in self.output.losses.all().items()
        )
        notes.extend(
            f"output is not forwarded to {place}: {why}"
            for place, why in self.output.forwards.problems.items()
        )
        # While a change is under way, they are perhaps what it reads.
        is_quiet = not self.changes.is_under_way
        if is_quiet and self.sources is not None and await self._freshness.is_stale(self.sources):
            notes.append(CHANGED)
        return notes

    async def _differs(self, sources: Sources) -> bool:
        return await self.reader.differs(sources)
