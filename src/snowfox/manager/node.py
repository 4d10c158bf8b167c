"""The parts of the manager for one node, put together by its modules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from snowfox.contract.control import Daemon, Welcome
from snowfox.contract.manager import ModuleLine
from snowfox.core.clock import Clock
from snowfox.core.config.source import Sources
from snowfox.core.context import DynamicContext, Key
from snowfox.core.event.bus import Bus
from snowfox.core.ids import Ids
from snowfox.core.posix.api import Posix
from snowfox.core.store.api import Store
from snowfox.manager.alarm import Alarms
from snowfox.manager.blueprint import Blueprints
from snowfox.manager.board import Board
from snowfox.manager.connector.connector import Connector
from snowfox.manager.driver import Driver
from snowfox.manager.journal.journal import Journal
from snowfox.manager.journal.keeper import Keeper
from snowfox.manager.journal.storage import Remembered, Storage
from snowfox.manager.operation.operation import Operation
from snowfox.manager.operation.operations import Operations
from snowfox.manager.output.collector import Output
from snowfox.manager.probe.prober import Prober
from snowfox.manager.source import CHANGED, Reader
from snowfox.service.spec import Configuration, Service, Socket
from snowfox.values import Seconds, size_text

_FILES_EVERY: Final[Seconds] = 1.0
SERVICE: Final[Key[Service]] = Key("service")
SOCKET: Final[Key[Socket]] = Key("socket")
"""What the dynamic context holds, by name."""

_KNOWN_WITHIN: Final[Seconds] = 5.0


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
    prober: Prober
    driver: Driver
    blueprints: Blueprints

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
        self.name = ""
        self.version = self.source = self.commit = ""
        self.services: dict[str, tuple[str, ...]] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.lines: Callable[[], list[ModuleLine]] = list
        self.standing_notes: list[str] = []
        self.start_was_told = asyncio.Event()
        self.is_known = asyncio.Event()
        self._sources: Sources | None = None
        self._files_asked: Seconds = 0.0
        self._files_differ = False
        self._opened: asyncio.Future[None] | None = None

    def use(self, sources: Sources, configuration: Configuration) -> None:
        """This configuration is in force."""
        self._sources = sources
        self.name = configuration.node
        self.version = configuration.version
        self.source, self.commit = sources.called, sources.commit
        self.services = {name: service.ids() for name, service in configuration.services.items()}
        self.labels = {name: made.labels for name, made in configuration.services.items() if made.labels}
        resources: dict[tuple[Key[Any], str], object] = {}
        resources |= {(SERVICE, name): service for name, service in configuration.services.items()}
        resources |= {(SOCKET, name): socket for name, socket in configuration.sockets.items()}
        DynamicContext(configuration.version, resources).install()

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

    async def notes(self) -> list[str]:
        """Lines about the node itself, for `status`."""
        notes = list(self.standing_notes)
        if self.keeper.problem:
            notes.append(f"{self.keeper.problem}; what happens is not kept")
        if self.keeper.dropped:
            notes.append(f"{self.keeper.dropped} events could not be kept")
        notes.extend(
            f"{size_text(lost.size)} of the output of {name} lost: {lost.reason}"
            for name, lost in self.output.lost.items()
        )
        if await self._files_changed():
            notes.append(CHANGED)
        return notes

    async def _files_changed(self) -> bool:
        """Whether the files are no longer those in force; looked at no more than once a second."""
        now = self.clock.now()
        if self._sources is not None and now - self._files_asked >= _FILES_EVERY:
            self._files_asked = now
            self._files_differ = await self.reader.differs(self._sources)
        return self._files_differ
