"""A manager without processes: engine, driver and changes are the real ones, in virtual time; host and store outlive it.

```python
async def test_it(clock):
    host = PlayedHost()
    manager = await PlayedManager.begun(clock, host, text)
    end = await manager.apply(other)
    await manager.close()                                    # as one that is killed
    manager = await PlayedManager.begun(clock, host)         # the next one of the same daemon
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC
from random import Random
from typing import Any, Final

from snowfox.contract.control import Welcome
from snowfox.contract.manager import Progress
from snowfox.contract.record import instance_of
from snowfox.contract.spawner import Launch, Launched, Listening, ListenSpec, Refusal, Running
from snowfox.contract.start import GIT
from snowfox.core.config.source import File, Sources
from snowfox.core.context import DynamicContext
from snowfox.core.event.bus import Bus
from snowfox.core.event.fact import Event
from snowfox.core.ids import Ids
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.store.api import Limits, Write
from snowfox.core.store.memory import MemoryStore
from snowfox.errors import SnowFoxError, StoreError
from snowfox.manager.begin import begin
from snowfox.manager.change.changes import Changes
from snowfox.manager.change.fact import StepFact
from snowfox.manager.change.options import Options
from snowfox.manager.connector.connector import Connector
from snowfox.manager.driver import Driver
from snowfox.manager.journal.keeper import Keeper
from snowfox.manager.journal.storage import Storage
from snowfox.manager.node import Node
from snowfox.manager.operation.operation import Operation
from snowfox.manager.operation.operations import Operations
from snowfox.manager.probe.notice import Notice
from snowfox.manager.schedule.scheduler import Scheduler
from snowfox.service import event
from snowfox.service.fact import ServiceReady
from snowfox.service.spec import Log
from snowfox.testing.clock import VirtualClock
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.promised import promised
from snowfox.values import Exit

FOLDER: Final = "/srv/shop"
_KEPT: Final = 20


def _unheard(token: str, exit: Exit) -> None:
    """There is no manager."""


def _heard(token: str, notice: Notice) -> None:
    """No service says anything."""


def _captured(token: str, log: str, descriptor: int) -> None:
    """No service prints."""


class FaultyStore(MemoryStore):
    """A store in memory that refuses what a test says.

    Attributes:
        refuses: whether it refuses these writes.
    """

    def __init__(self) -> None:
        super().__init__(Limits(versions=_KEPT))
        self.refuses: Callable[[Sequence[Write]], bool] = lambda _: False

    async def commit(self, writes: Sequence[Write]) -> None:
        """All or none. Raises StoreError where the test says so."""
        if self.refuses(writes):
            msg = "cannot write store: no space left on device (ENOSPC)"
            raise StoreError(msg)
        await super().commit(writes)


class PlayedHost:
    """What there is beside a manager: spawner, store, files.

    Attributes:
        text: of the file of the configuration.
        owner: its owner.
        fails: what a request raises, by its words: `reserve front`, `open_socket front`, `close_socket front`, `verify`.
        refuses_once: as `fails`, for the first such request only.
        held: requests that are not answered until `release`.
        bad: last words of commands that end at once.
        unfit: programs that verify refuses.
        stubborn: instances that only a kill ends.
        sockets: keys that are there, and whether they listen.
        running: what runs, by token.
    """

    def __init__(self) -> None:
        self.text = ""
        self.owner = 1000
        self.store = FaultyStore()
        self.fails: dict[str, SnowFoxError] = {}
        self.refuses_once: dict[str, SnowFoxError] = {}
        self.held: set[str] = set()
        self.bad: set[str] = set()
        self.unfit: set[str] = set()
        self.stubborn: set[str] = set()
        self.sockets: dict[str, bool] = {}
        self.running: dict[str, Running] = {}
        self.asked: list[str] = []
        self.reads = 0
        self._answers = asyncio.Condition()
        self._report: Callable[[str, Exit], None] = _unheard
        self._pid = 1000
        self._commands: dict[str, list[str]] = {}

    def join(self, report: Callable[[str, Exit], None]) -> None:
        """This manager hears of ends from now on."""
        self._report = report

    def pids(self) -> dict[str, int]:
        """Of what runs, by instance."""
        return {instance_of(one.token): one.pid for one in self.running.values() if one.exit is None}

    def commands(self) -> dict[str, list[str]]:
        """Of what runs, by instance."""
        return {
            instance_of(one.token): self._commands[one.token]
            for one in self.running.values()
            if one.exit is None
        }

    async def release(self, words: str) -> None:
        """Answer what is held."""
        self.held.remove(words)
        async with self._answers:
            self._answers.notify_all()

    async def _asked(self, verb: str, key: str = "") -> None:
        words = f"{verb} {key.partition('=')[0]}".rstrip()
        self.asked.append(words)
        async with self._answers:
            await self._answers.wait_for(lambda: words not in self.held)
        if words in self.refuses_once:
            raise self.refuses_once.pop(words)
        if words in self.fails:
            raise self.fails[words]

    # The spawner

    async def launch(self, launch: Launch) -> Launched:
        """A process is a number."""
        self._pid += 1
        one = Running(launch.token, self._pid, self._pid, None, None, launch.note)
        self.running[launch.token] = one
        self._commands[launch.token] = launch.arguments
        if launch.arguments[-1] in self.bad:
            asyncio.get_running_loop().call_soon(self._end, launch.token, Exit(code=7))
        return Launched(launch.token, one.pid, one.started, None)

    async def signal(self, token: str, number: int) -> bool:
        """It ends, where it is not stubborn."""
        return instance_of(token) not in self.stubborn and self._end(token, Exit(signal=number))

    async def signal_all(self, tokens: list[str], number: int) -> None:
        """As `signal`."""
        for token in tokens:
            await self.signal(token, number)

    async def kill(self, tokens: list[str]) -> None:
        """They end."""
        for token in tokens:
            self._end(token, Exit(signal=9))

    def end(self, instance: str, *, code: int) -> None:
        """The newest process of this instance ends by itself."""
        token = next(token for token in reversed(self.running) if instance_of(token) == instance)
        self._end(token, Exit(code=code))

    def _end(self, token: str, exit: Exit) -> bool:
        one = self.running.get(token)
        if one is None or one.exit is not None:
            return False
        self.running[token] = one._replace(exit=exit)
        self._report(token, exit)
        return True

    async def forget(self, tokens: list[str]) -> None:
        """Gone."""
        for token in tokens:
            self.running.pop(token, None)

    async def inventory(self, after: str) -> list[Running]:
        """In one page."""
        return sorted(
            (one for token, one in self.running.items() if token > after), key=lambda one: one.token
        )

    async def verify(self, launches: list[Launch], users: dict[str, list[str]]) -> list[Refusal]:  # noqa: ARG002 - the contract
        """The programs that are unfit are refused."""
        await self._asked("verify")
        return [
            Refusal(one.token, f"cannot launch {instance_of(one.token)}: no such program", "")
            for one in launches
            if one.program in self.unfit
        ]

    async def reserve(self, spec: ListenSpec) -> Listening:
        """There, and does not listen."""
        await self._asked("reserve", spec.key)
        self.sockets.setdefault(spec.key, False)
        return Listening(spec.key, spec.address)

    async def open_socket(self, spec: ListenSpec) -> Listening:
        """It listens."""
        await self._asked("open_socket", spec.key)
        self.sockets[spec.key] = True
        return Listening(spec.key, spec.address)

    async def close_socket(self, key: str) -> None:
        """Gone."""
        await self._asked("close_socket", key)
        self.sockets.pop(key, None)

    async def list_sockets(self) -> list[Listening]:
        """All."""
        return [
            Listening(key, key.partition("=")[2], reserved=not open_) for key, open_ in self.sockets.items()
        ]

    # The files

    async def read(self, name: str) -> Sources:
        """The text as it is now, as if at this place."""
        self.reads += 1
        await self._asked("read", name)
        if name.startswith(GIT):
            file = File("snowfox.toml", self.text, self.owner)
            return Sources(FOLDER, (file,), name.removeprefix(GIT), "c" * 40)
        return Sources(FOLDER, (File(name, self.text, self.owner),))

    async def main(self) -> str:
        """Of the folder."""
        return "snowfox.toml"


VERIFICATION: Final = frozenset({"verifies", "verified", "refused"})
"""What steps are told to do at once, before one is made."""


class _Session:
    """What the manager calls the spawner by."""

    def __init__(self, host: PlayedHost) -> None:
        for name in ("launch", "signal", "signal_all", "kill", "forget"):
            setattr(self, name, promised(getattr(host, name)))
        for name in ("inventory", "verify", "reserve", "open_socket", "close_socket"):
            setattr(self, name, getattr(host, name))  # whoever no longer waits for these takes them back
        self.sockets = host.list_sockets


class _Watching:
    """Watches nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_: None


class _Output:
    """No service prints."""

    lost: Final[dict[str, object]] = {}

    def attach(self, name: str, descriptor: int, limits: Log) -> None:
        """Nothing is read."""

    def limit(self, name: str, limits: Log) -> None:
        """Nothing is rotated."""

    def rename(self, was: str, name: str, limits: Log) -> None:
        """Nothing is written."""


class PlayedManager:
    """One manager; others come before and after it. Made by `begun`.

    Attributes:
        node: its parts.
        steps: of changes, as they were told, but their verification: `service web: begins`.
        stopped: why it had the node stop.
    """

    def __init__(self, clock: VirtualClock, host: PlayedHost, daemon: str) -> None:
        self.clock = clock
        self.host = host
        self.steps: list[str] = []
        self.stopped = ""
        kernel = FakeKernel(clock)
        welcome = Welcome(
            FOLDER, f"{FOLDER}/.snowfox", "/store", Descriptor(-1), Descriptor(-1), "@notify", Descriptor(-1),
            Descriptor(-1), -1, -1, 1000, "/bin", daemon, "snowfox.toml",
        )  # fmt: skip
        played: Any = self
        self.node = Node(
            FakePosix(kernel, uid=1000), clock, asyncio.get_running_loop(), daemon=played, welcome=welcome
        )

    @classmethod
    async def begun(
        cls, clock: VirtualClock, host: PlayedHost, text: str | None = None, *, daemon: str = "D1"
    ) -> PlayedManager:
        """One that has begun, with what `text` says where it is the first of this daemon; a while has passed."""
        manager = cls(clock, host, daemon)
        if text is not None:
            host.text = text
        await manager._set_up()
        await begin(manager.node)
        await clock.advance("10s")
        return manager

    async def _set_up(self) -> None:
        """As the manager's modules do."""
        node, host, clock = self.node, self.host, self.clock
        await host.store.open()
        node.store, node.storage = host.store, Storage(host.store, clock, boot="boot")
        node.remembered = await node.storage.load()
        newest = await node.storage.last_events(1)
        node.ids = Ids(clock, Random(7), after=newest[0].id if newest else "")
        node.bus = Bus(clock, node.ids)
        node.keeper = Keeper(node.storage.write, node.alarms)
        node.bus.subscribe(None, node.keeper.fact)
        node.bus.subscribe(StepFact, self._hear)
        node.bus.subscribe(ServiceReady, self._ready)
        node.operations = Operations(
            clock, node.ids, alarms=node.alarms, keep=node.keeper.operation, last=node.remembered.number
        )
        node.connector = Connector(tell=self._tell, captured=_captured, heard=_heard, loop=node.loop)
        reader: Any = host
        watching: Any = _Watching()
        output: Any = _Output()
        session: Any = _Session(host)
        node.reader, node.watching, node.output = reader, watching, output
        attendant: Any = None
        node.attendant = attendant
        node.driver = Driver(
            clock, ids=node.ids, alarms=node.alarms, board=node.board, operations=node.operations
        )
        node.scheduler = Scheduler(
            clock, node.alarms, zone=lambda: UTC, tell=self._tell, keep=node.keeper.looked
        )
        node.changes = Changes(node)
        host.join(node.connector.exited)
        node.start_was_told.set()
        await node.connector.join(session)

    async def stop(self, code: int, reason: str) -> None:
        """As the daemon's."""
        self.stopped = f"{code}: {reason}"

    def _tell(self, happened: event.Event) -> None:
        self.node.driver.tell(happened)

    def _ready(self, told: Event[ServiceReady]) -> None:
        self.node.measure(told.subject, told.fact.seconds)

    def _hear(self, told: Event[StepFact]) -> None:
        if told.fact.what not in VERIFICATION:
            self.steps.append(f"{told.fact.resource}: {told.fact.what}")

    async def close(self) -> None:
        """As if it were killed: nothing more is stored, nothing undone, nothing asked for."""
        node = self.node
        self.host.store.refuses = lambda _: True
        self.host.join(_unheard)
        session = node.connector._remote  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the test's own
        if session is not None:
            node.connector.lost(session)
        closing: Any = node.changes
        end = asyncio.ensure_future(closing.close())
        await self.clock.advance("1s")
        await end
        node.scheduler.close()
        node.alarms.close()
        await node.bus.close()
        self.host.store.refuses = lambda _: False
        DynamicContext.uninstall()

    # What a person does

    def ask(self, text: str, **options: Any) -> Operation:
        """Begin to apply this text. Raises as `Changes.apply`."""
        self.host.text = text
        return self.node.changes.apply("", Options(**options), who="anna")

    def back(self, version: str = "", **options: Any) -> Operation:
        """Begin a rollback."""
        return self.node.changes.rollback(version, Options(**options), who="anna")

    async def end(self, operation: Operation, within: str = "120s") -> Progress:
        """How it ends in this time."""
        await self.clock.advance(within)
        assert operation.end is not None
        return operation.end

    async def apply(self, text: str, **options: Any) -> Progress:
        """Apply this text; how it ended."""
        return await self.end(self.ask(text, **options), "30s")

    @property
    def version(self) -> str:
        """In force."""
        return self.node.version

    @property
    def notes(self) -> str:
        """What `status` tells of changes."""
        return "\n".join(self.node.changes.notes)
