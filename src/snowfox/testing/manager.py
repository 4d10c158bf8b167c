"""A real manager in a process of its own, with a daemon and a spawner played by the test.

The played spawner launches nothing: processes are numbers, their ends are what the test says. As root the manager
becomes another user, as in root's node.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from snowfox.contract.control import Daemon, Kept, ManagerControl, Seen, Source, Welcome
from snowfox.contract.manager import InstanceStatus, Manager, NodeStatus, Progress
from snowfox.contract.record import instance_of
from snowfox.contract.spawner import (
    Ended,
    ExitReports,
    Launch,
    Launched,
    Listening,
    ListenSpec,
    Refusal,
    Running,
    Spawner,
)
from snowfox.core.posix.api import Spawn
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.server import handles
from snowfox.daemon.sources import look_tree, open_source, open_tree
from snowfox.errors import NotPermitted, SnowFoxError
from snowfox.values import Exit

MANAGER_UID = 61184
PATIENCE = 20.0
_PYTHON = os.path.realpath(sys.executable)
_BOOT = str(Path(__file__).resolve().parent.parent / "boot.py")
_PACKAGES = str(Path(msgspec.__file__).parent.parent)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; looks each 10 ms. Raises AssertionError when it does not in time."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(0.01)


class PlayedSpawner:
    """Answers as a spawner does. What it knows outlives a session, as a real one's records do."""

    def __init__(self) -> None:
        self.reports: Link[ExitReports] | None = None
        self.running: dict[str, Running] = {}
        self.fifos: dict[str, int] = {}
        self.launched: list[Launch] = []
        self.verified: list[Launch] = []
        self.signals: list[tuple[str, int]] = []
        self.forgotten: list[str] = []
        self.open: set[str] = set()
        self.reserved: set[str] = set()
        self.watched: list[str] = []
        self.unfit: set[str] = set()
        self.refuses_sockets: SnowFoxError | None = None
        self.refuses_launches: SnowFoxError | None = None
        self.stops_on_signal = True
        self._pid = 1 << 21

    @handles(Spawner.launch)
    def launch(self, launch: Launch) -> Launched:
        """A process is a number; a repeated token is the first one."""
        if self.refuses_launches is not None:
            raise self.refuses_launches
        known = self.running.get(launch.token)
        if known is None:
            self.launched.append(launch)
            self._pid += 1
            known = Running(launch.token, self._pid, _uptime(), None, None, launch.note)
            self.running[launch.token] = known
            if launch.output:
                reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
                self.fifos[launch.token] = writer
                return Launched(launch.token, known.pid, known.started, Descriptor(reader))
        return Launched(launch.token, known.pid, known.started, None, again=True)

    @handles(Spawner.signal)
    def signal(self, token: str, number: int) -> bool:
        """Ends it, unless the test says otherwise."""
        self.signals.append((token, number))
        alive = token in self.running and self.running[token].exit is None
        if alive and self.stops_on_signal:
            self.end(token, Exit(signal=number))
        return alive

    @handles(Spawner.signal_all)
    def signal_all(self, tokens: list[str], number: int) -> None:
        """As `signal`."""
        for token in tokens:
            self.signal(token, number)

    @handles(Spawner.follow)
    def follow(self, token: str, pid: int) -> bool:  # noqa: ARG002 - the contract
        """Nobody is followed."""
        return False

    @handles(Spawner.kill)
    def kill(self, tokens: list[str]) -> None:
        """Always ends them."""
        for token in tokens:
            self.signals.append((token, 9))
            if token in self.running and self.running[token].exit is None:
                self.end(token, Exit(signal=9))

    @handles(Spawner.open_socket)
    def open_socket(self, spec: ListenSpec) -> Listening:
        """Nothing is opened."""
        if self.refuses_sockets is not None:
            raise self.refuses_sockets
        self.reserved.discard(spec.key)
        self.open.add(spec.key)
        return Listening(spec.key, spec.address)

    @handles(Spawner.reserve)
    def reserve(self, spec: ListenSpec) -> Listening:
        """Nor reserved."""
        if self.refuses_sockets is not None:
            raise self.refuses_sockets
        if spec.key not in self.open:
            self.reserved.add(spec.key)
        return Listening(spec.key, spec.address, reserved=spec.key in self.reserved)

    @handles(Spawner.close_socket)
    def close_socket(self, key: str) -> None:
        """Nor closed."""
        self.open.discard(key)
        self.reserved.discard(key)

    @handles(Spawner.watch_sockets)
    def watch_sockets(self, keys: list[str]) -> None:
        """Noted; nothing comes."""
        self.watched = keys

    @handles(Spawner.stirred)
    def stirred(self, keys: list[str]) -> list[str]:  # noqa: ARG002 - as the contract has it
        """None."""
        return []

    @handles(Spawner.sockets)
    def sockets(self) -> list[Listening]:
        """What was asked for."""
        return [
            *(Listening(key, key.partition("=")[2]) for key in sorted(self.open)),
            *(Listening(key, key.partition("=")[2], reserved=True) for key in sorted(self.reserved)),
        ]

    @handles(Spawner.verify)
    def verify(self, launches: list[Launch], users: dict[str, list[str]]) -> list[Refusal]:  # noqa: ARG002 - the contract
        """Refuse the programs that the test names."""
        self.verified += launches
        return [
            Refusal(launch.token, f"cannot launch {launch.token.partition('~')[0]}: no", "do this")
            for launch in launches
            if launch.program in self.unfit
        ]

    @handles(Spawner.inventory)
    def inventory(self, after: str) -> list[Running]:
        """Two a page."""
        return [self.running[token] for token in sorted(self.running) if token > after][:2]

    @handles(Spawner.forget)
    def forget(self, tokens: list[str]) -> None:
        """They are gone."""
        self.forgotten += tokens
        for token in tokens:
            self.running.pop(token, None)

    def end(self, token: str, exit: Exit) -> None:
        """A process ends; the manager is told where there is one."""
        self.running[token] = self.running[token]._replace(exit=exit)
        if (writer := self.fifos.pop(token, None)) is not None:
            os.close(writer)
        if self.reports is not None and self.reports.is_open:
            self.reports.remote.exited([Ended(token, exit, _uptime())])

    def print(self, token: str, text: bytes) -> None:
        """A service writes."""
        os.write(self.fifos[token], text)

    def token(self, instance: str) -> str:
        """Of the newest launch of an instance."""
        return next(one.token for one in reversed(self.launched) if instance_of(one.token) == instance)


def _uptime() -> int:
    return LinuxPosix().own.uptime()


class RealManager:
    """A manager's process and all around it, which outlives it.

    Args:
        folder: of the test: the configuration's, with the node's home in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posix = LinuxPosix()
        self.home = folder / ".snowfox"
        self.spawner = PlayedSpawner()
        self.stopped: tuple[int, str] | None = None
        self.rejoined = 0
        self.stop_asked = asyncio.Event()
        self.log = folder / "node.log"
        self.pid = 0
        self.code = 0
        self.control: Link[ManagerControl]
        self.daemon_id = "D1"
        self.is_root = os.geteuid() == 0
        for name in (".snowfox", ".snowfox/run", ".snowfox/logs"):
            (folder / name).mkdir(exist_ok=True)
        # The manager's user reaches it by path, which the folders of a test are closed for.
        self.store = Path(tempfile.mkdtemp(prefix="snowfox-store-"))
        if self.is_root:
            for path in (self.home / "logs", self.store):
                os.chown(path, MANAGER_UID, MANAGER_UID)
        self.socket = f"unix:{self.home}/run/manager.sock"
        self.listener = self.posix.sockets.bind(self.socket, mode=0o600)
        self.posix.sockets.listen(self.listener, 64)
        self.project = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.notify_address = f"@snowfox-{os.urandom(8).hex()}"
        self.notify = self.posix.sockets.bind(f"unix-datagram:{self.notify_address}")

    @handles(Daemon.keep)
    def keep(self, kept: Kept) -> None:
        """Not from a manager."""
        raise NotPermitted(kept.key)

    @handles(Daemon.release)
    def release(self, key: str) -> None:
        """Not from a manager."""
        raise NotPermitted(key)

    @handles(Daemon.followed)
    def followed(self, token: str) -> None:
        """Not from a manager."""
        raise NotPermitted(token)

    @handles(Daemon.open_source)
    def open_source(self, name: str) -> Source | None:
        """A file of the folder."""
        return open_source(self.posix, name, folder=self.project, main=self.configuration)

    @handles(Daemon.environment)
    def environment(self, names: list[str]) -> dict[str, str]:
        """As if nothing were set."""
        return dict.fromkeys(names[:0], "")

    @handles(Daemon.open_tree)
    def open_tree(self, after: str) -> list[Source]:
        """Files of the folder form."""
        return open_tree(self.posix, after, folder=self.project)

    @handles(Daemon.look_tree)
    def look_tree(self, after: str) -> list[Seen]:
        """The same, not opened."""
        return look_tree(self.posix, after, folder=self.project)

    @handles(Daemon.rejoin)
    async def rejoin(self) -> None:
        """A new session with the played spawner."""
        self.rejoined += 1
        await self.attach_spawner()

    @handles(Daemon.stop)
    def stop(self, code: int, reason: str, leave: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the contract
        """The test looks at it."""
        self.stopped = (code, reason)
        self.stop_asked.set()

    async def start(self) -> None:
        """Start it and welcome it. Raises what it refuses the welcome with."""
        ours, theirs = self.posix.sockets.pair()
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        words = (
            _PYTHON,
            *("-I", "-S", _BOOT, "manager", "--path", _PACKAGES, "--home", str(self.home)),
        )
        pairs = ((null, 0), (null, 1), (log, 2), (theirs, 3))
        self.pid = self.posix.processes.spawn(
            Spawn(words[0], words, {"PATH": "/usr/bin:/bin"}, pairs, session=True)
        )
        for descriptor in (theirs, log, null):
            os.close(descriptor)
        self.control = await attach(
            ours, calling=ManagerControl, serving=Daemon, handlers=self, name="manager"
        )
        await self.control.remote.welcome(self._welcome(await self._session()))

    async def attach_spawner(self) -> None:
        """A new session with the played spawner; the one before ends."""
        if self.spawner.reports is not None:
            self.spawner.reports.close()
        await self.control.remote.attach(Descriptor(await self._session()))

    async def _session(self) -> int:
        ours, theirs = self.posix.sockets.pair()
        self.spawner.reports = await attach(
            ours, calling=ExitReports, serving=Spawner, handlers=self.spawner, name="manager"
        )
        return theirs

    @property
    def configuration(self) -> str:
        """The main file of the folder."""
        names = ("Procfile", "node.toml")
        return next((name for name in names if (self.folder / name).exists()), "snowfox.toml")

    def _welcome(self, session: int) -> Welcome:
        uid = MANAGER_UID if self.is_root else -1
        logs = os.open(self.home / "logs", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return Welcome(
            root=str(self.folder),
            home=str(self.home),
            store=str(self.store),
            listener=Descriptor(os.dup(self.listener)),
            notify=Descriptor(os.dup(self.notify)),
            notify_address=self.notify_address,
            logs=Descriptor(logs),
            spawner=Descriptor(session),
            uid=uid,
            gid=uid,
            starter=os.geteuid(),
            path="/usr/bin:/bin",
            version=self.daemon_id,
            configuration=self.configuration,
            owner=self.folder.stat().st_uid,
        )

    @asynccontextmanager
    async def commands(self) -> AsyncGenerator[Manager, None]:
        """What a command line sees."""
        async with connect(self.socket, Manager) as manager:
            yield manager

    async def status(self) -> NodeStatus:
        """`snowfox status`."""
        async with self.commands() as manager:
            return await manager.status("*")

    async def row(self, instance: str) -> InstanceStatus:
        """Of one instance."""
        return next(row for row in (await self.status()).instances if row.id == instance)

    async def progress(self, verb: str, *words: Any) -> list[Progress]:
        """All steps of an operation."""
        async with self.commands() as manager, getattr(manager, verb)(*words) as steps:
            return [step async for step in steps]

    async def up(self) -> list[Progress]:
        """Start it and wait until the node is up."""
        await self.start()
        return await self.progress("starting")

    async def until(self, instance: str, state: str) -> None:
        """Wait for a state."""
        async with self.commands() as manager:
            assert await manager.wait(instance, state, int(PATIENCE * 1000)), f"{instance} is not {state}"

    async def kill(self) -> None:
        """SIGKILL, and its end."""
        os.kill(self.pid, signal.SIGKILL)
        await until(self._is_gone, "the manager's end")
        await self.control.closed()
        if self.spawner.reports is not None:
            self.spawner.reports.close()

    async def leave(self) -> int:
        """The daemon's session ends; its exit code."""
        self.control.close()
        await until(self._is_gone, "the manager's end")
        return self.code

    def _is_gone(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = 0
            self.code = os.waitstatus_to_exitcode(status)
        return pid != 0

    def logged(self) -> str:
        """What it wrote into the node's log."""
        return self.log.read_text() if self.log.exists() else ""

    async def close(self) -> None:
        """End it."""
        if self.pid:
            await self.kill()
        for descriptor in (self.listener, self.notify, self.project, *self.spawner.fifos.values()):
            os.close(descriptor)
        shutil.rmtree(self.store)
