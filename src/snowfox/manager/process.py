"""The manager's process: the session with the daemon, welcome, and the end.

Everything is imported before the welcome gives up the uid: afterwards this process may not be able to read its own
program any more.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from snowfox.contract.control import Daemon, ManagerControl, Welcome
from snowfox.contract.spawner import Ended, ExitReports, Spawner
from snowfox.core.clock import SystemClock
from snowfox.core.config.registry import Sections
from snowfox.core.log import get, json_line_sink, set_sink
from snowfox.core.module import Module, Modules
from snowfox.core.posix.active import activate
from snowfox.core.posix.api import Ids, Posix
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.posix.observed import Observed
from snowfox.core.posix.restricted import Restricted
from snowfox.core.posix.roles import MANAGER
from snowfox.core.rpc.client import attach
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.server import handles
from snowfox.errors import ConnectionLost, HostError, SnowFoxError
from snowfox.manager import closed
from snowfox.manager.assembly import find, set_up
from snowfox.manager.begin import begin
from snowfox.manager.node import Node
from snowfox.service import event
from snowfox.values import Seconds

SESSION: Final = 3
"""The descriptor of the session with the daemon."""
_STDERR: Final = 2
_GARBAGE: Final = 20_000
"""New objects between two collections of the youngest. The default of 700 is for fewer."""

_PATIENCE: Final[Seconds] = 1.0
"""How long a session with the spawner may be missing before we ask for one: a spawner that died brings it by itself."""

_QUIET: Final[Seconds] = 3.0
"""Until garbage of the start is collected: what takes 30 ms of 1,000 services should not hold up their start."""

_log: Final = get("manager")


def run(arguments: list[str]) -> int:
    """Serve until the daemon's session ends."""
    posix = LinuxPosix()
    activate(posix)
    set_sink(json_line_sink(lambda line: posix.files.write(_STDERR, line), least="info"))
    try:
        found = find()
        sections = Sections(with_installed=True)
        if posix.own.ids().uid == 0:  # the welcome names another user
            closed.load(posix.files)
            sections.all()
        gc.freeze()  # what was imported stays
        gc.set_threshold(_GARBAGE)
        asyncio.run(Process(posix, found, sections).serve())
    except SnowFoxError as error:
        _log.error("the manager ends", error=str(error), arguments=" ".join(arguments))
        return 1
    return 0


def _unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody caught: asyncio would print it, we log it."""
    _log.error("unhandled", what=str(context.get("message", "")), error=repr(context.get("exception")))


def _freeze() -> None:
    """What a start made stays: later collections need not look through it. Until now there were none."""
    gc.collect()
    gc.freeze()
    gc.enable()


class Process:
    """Serves `ManagerControl` to the daemon.

    Args:
        posix: the kernel, still with all that we may do.
        found: the modules.
        sections: their tables.
    """

    def __init__(self, posix: Posix, found: list[Module], sections: Sections) -> None:
        self._posix = posix
        self._found = found
        self._sections = sections
        self._node: Node | None = None
        self._modules: Modules | None = None
        self._daemon: Daemon | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawners_lost = 0

    async def serve(self) -> None:
        """Until the session with the daemon ends; then leave, services go on. Raises what ended it."""
        link = await attach(SESSION, calling=Daemon, serving=ManagerControl, handlers=self, name="daemon")
        self._daemon = link.remote
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        try:
            error = await link.closed()
            if error is not None and not isinstance(error, ConnectionLost):
                raise error
        finally:
            for task in self._tasks:
                task.cancel()
            if self._modules is not None:
                await self._modules.teardown()

    @handles(ManagerControl.welcome)
    async def welcome(self, welcome: Welcome) -> None:
        """Become who we are to be, set up all parts, listen; then begin."""
        if self._node is not None or self._daemon is None:
            msg = "welcomed twice"
            raise HostError(msg)
        self._give_up_rights(welcome)
        posix = self._posix
        loop = asyncio.get_running_loop()
        node = self._node = Node(posix, SystemClock(), loop, daemon=self._daemon, welcome=welcome)
        node.sections = self._sections
        self._modules = await set_up(node, self._found)
        self._start(self._keep_session(welcome.spawner.take()), "spawner")
        self._start(self._begin(node), "begin")

    @handles(ManagerControl.attach)
    def attach(self, spawner: Descriptor) -> None:
        """Another session with a spawner."""
        self._start(self._keep_session(spawner.take()), "spawner")

    @handles(ManagerControl.stop)
    async def stop(self) -> None:
        """Stop all services in order; answered when all is stored."""
        node = self._node
        if node is None or not node.driver.has_begun:
            return
        operation = node.open("down", "the daemon", tuple(node.board.statuses))
        node.driver.tell(event.StopAll(operation.id))
        await node.board.until_phase("down")
        await node.output.finish()
        await self._flush(node)

    async def _flush(self, node: Node) -> None:
        if not await node.keeper.flush():
            _log.error("what happened last is not stored", error=node.keeper.problem)

    @handles(ManagerControl.leave)
    async def leave(self) -> None:
        """Tell who watches that the services run on; answered when all is stored."""
        node = self._node
        if node is None:
            return
        count = sum(bool(status.pid) for status in node.board.statuses.values())
        operation = node.open("down", "the daemon", ())
        run = "1 instance runs" if count == 1 else f"{count} instances run"
        node.operations.end(operation.id, "done", f"the node is down; {run} on, for the next snowfox up", 0)
        await self._flush(node)

    @handles(ManagerControl.kill)
    def kill(self) -> None:
        """Kill what still runs; `stop` is answered once it has ended."""
        node = self._node
        if node is not None and node.driver.has_begun:
            node.driver.tell(event.KillAll())

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _give_up_rights(self, welcome: Welcome) -> None:
        limits = self._posix.limits
        _, hard = limits.get("NOFILE")
        limits.set("NOFILE", hard, hard)
        if welcome.uid >= 0:
            self._posix.own.become(Ids(welcome.uid, welcome.gid, (welcome.gid,)))
            self._posix.own.set_dumpable(dumpable=False)
        self._posix = Restricted(Observed(LinuxPosix()), MANAGER, role="manager")
        activate(self._posix)

    async def _begin(self, node: Node) -> None:
        try:
            await begin(node)
        except Exception as error:
            # A node that cannot begin must not stay as if it were about to.
            _log.error("cannot begin", error=repr(error))
            await node.daemon.stop(1, f"the manager failed inside: {error}")
            raise
        asyncio.get_running_loop().call_later(_QUIET, _freeze)

    async def _keep_session(self, descriptor: int) -> None:
        """A session with a spawner, until there is another: one that ended is asked for again."""
        node = self._node
        if node is None:
            self._posix.files.close(descriptor)
            return
        link = await attach(
            descriptor,
            calling=Spawner,
            serving=ExitReports,
            handlers=Reports(node),
            name="spawner",
        )
        link.reconnects = self._spawners_lost
        try:
            await node.connector.join(link.remote)
            error = await link.closed()
        except SnowFoxError as lost:
            error = lost
        finally:
            self._spawners_lost += 1
            node.connector.lost(link.remote)
            link.close()
        _log.warning("the session with the spawner ended", error=str(error) if error else "")
        while not node.connector.is_joined:
            await asyncio.sleep(_PATIENCE)
            if not node.connector.is_joined:
                with suppress(SnowFoxError):  # a daemon that cannot now is asked again; with its end we end
                    await node.daemon.rejoin()


class Reports:
    """Serves `ExitReports` to the spawner."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @handles(ExitReports.exited)
    def exited(self, ends: list[Ended]) -> None:
        """Hand them to the connector."""
        for end in ends:
            self._node.connector.exited(end.token, end.exit, is_all=end.is_all)

    @handles(ExitReports.leaving)
    async def leaving(self, token: str) -> None:
        """Read what it said before its end, once launches are known."""
        await self._node.is_known.wait()
        self._node.hear_out(token)

    @handles(ExitReports.wanted)
    def wanted(self, key: str) -> None:
        """Hand it to who attends to services on demand."""
        self._node.attendant.knocked(key)
