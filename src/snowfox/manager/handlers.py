"""What the node answers to whoever asks it: `contract.manager` served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from snowfox.contract.links import LinkLine, Promises
from snowfox.contract.manager import (
    EventLine,
    InstanceFigures,
    LogLine,
    Manager,
    ModuleLine,
    NodeStatus,
    Plan,
    Progress,
    RunOutput,
    ServiceView,
    Variable,
    VersionLine,
    Why,
)
from snowfox.core.posix.api import Users
from snowfox.core.rpc.link import current
from snowfox.core.rpc.server import handles
from snowfox.errors import NotFound, UserError
from snowfox.manager.change.options import Options
from snowfox.manager.figures import Figures, look
from snowfox.manager.looking import links, name_of, promises
from snowfox.manager.node import Node
from snowfox.manager.oneoff import OneOffs
from snowfox.manager.output.follower import Follower
from snowfox.manager.output.telling import Wanted
from snowfox.manager.showing import show
from snowfox.manager.variables import variables
from snowfox.manager.why import why
from snowfox.service import event
from snowfox.service.pattern import select

MOST_LINES: Final = 100_000
"""Lines that `logs` and `events` give back of one instance."""
MOST_MOMENTS: Final = 400
"""Moments that `why` gives back of one instance."""

_NOTHING: Final = Figures(0, 0, 0, 0)


class ManagerHandlers:
    """Answers for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._oneoffs = OneOffs(node)

    @handles(Manager.status)
    async def status(self, pattern: str = "*") -> NodeStatus:
        """The rows of what the pattern means, and the node's own state."""
        node = self._node
        rows = await node.rows(await self._select(pattern))
        notes = await node.notes() if pattern == "*" else []
        as_wanted = all(status.light == "green" for status in node.board.statuses.values())
        is_up = node.board.phase == "up"
        return NodeStatus(
            node.name,
            node.version,
            node.board.phase,
            as_wanted and is_up,
            notes,
            rows,
            node.source,
            node.commit,
        )

    @handles(Manager.starting)
    async def starting(self) -> AsyncIterator[Progress]:
        """The steps of the node's coming up."""
        async for step in (await self._node.operation("up")).follow():
            yield step
        self._node.start_was_told.set()

    @handles(Manager.start)
    async def start(self, pattern: str) -> AsyncIterator[Progress]:
        """An operation."""
        async for step in self._operate("start", pattern):
            yield step

    @handles(Manager.stop)
    async def stop(self, pattern: str) -> AsyncIterator[Progress]:
        """An operation."""
        async for step in self._operate("stop", pattern):
            yield step

    @handles(Manager.restart)
    async def restart(self, pattern: str) -> AsyncIterator[Progress]:
        """An operation."""
        async for step in self._operate("restart", pattern):
            yield step

    @handles(Manager.reload)
    async def reload(self, pattern: str) -> AsyncIterator[Progress]:
        """An operation."""
        async for step in self._operate("reload", pattern):
            yield step

    @handles(Manager.signal)
    async def signal(self, number: int, pattern: str) -> list[str]:
        """Signal what runs of what the pattern means."""
        if not 1 <= number <= 64:
            msg = f"cannot signal {pattern}: {number} is not a signal"
            raise UserError(msg, "signals are 1 to 64")
        statuses = self._node.board.statuses
        person = who(self._node.posix.users)
        sent: list[str] = []
        for instance in await self._select(pattern):
            status = statuses.get(instance)
            if not status or not status.pid:
                continue
            self._node.driver.tell(event.Signalled(status.token, number, person))
            if await self._node.connector.signal_now(status.token, number):
                sent.append(instance)
        return sent

    @handles(Manager.down)
    async def down(self, leave: bool = False) -> AsyncIterator[Progress]:  # noqa: FBT001, FBT002 - the contract
        """Ask the daemon, which asks us to stop, or to leave."""
        await self._node.daemon.stop(0, f"{who(self._node.posix.users)} asked for it", leave)
        async for step in self.stopping():
            yield step

    @handles(Manager.stopping)
    async def stopping(self) -> AsyncIterator[Progress]:
        """The steps of the node's going down."""
        async for step in (await self._node.operation("down")).follow():
            yield step

    @handles(Manager.logs)
    async def logs(
        self,
        pattern: str,
        lines: int,
        follow: bool,  # noqa: FBT001 - the contract
        since: int = 0,
        until: int = 0,
    ) -> AsyncIterator[LogLine]:
        """What the logs hold, then what comes."""
        output = self._node.output
        instances = await self._select(pattern)
        query = Wanted(max(-1, min(lines, MOST_LINES)), max(0, since), max(0, until))
        follower = Follower(self._node.loop) if follow else None
        try:
            async with aclosing(output.told(instances, query, follower)) as told:
                async for line in told:
                    yield line
            if follower is not None:
                yield LogLine("", 0, b"")
            while follower is not None:
                for line in await follower.take():
                    yield line
        finally:
            if follower is not None:
                output.unfollow(follower)

    @handles(Manager.rotate)
    async def rotate(self, pattern: str) -> list[str]:
        """Files are put aside."""
        return await self._node.output.rotate(await self._select(pattern))

    @handles(Manager.events)
    async def events(self, lines: int, follow: bool) -> AsyncIterator[EventLine]:  # noqa: FBT001 - the contract
        """The end of the journal, then what comes."""
        async for line in self._node.journal.lines(max(0, min(lines, MOST_LINES)), follow=follow):
            yield line

    @handles(Manager.wait)
    async def wait(self, pattern: str, state: str, milliseconds: int) -> bool:
        """Until all that the pattern means are in that state."""
        instances = await self._select(pattern)
        return await self._node.board.until_state(instances, state, within=milliseconds / 1000)

    @handles(Manager.modules)
    def modules(self) -> list[ModuleLine]:
        """As they were set up."""
        return self._node.lines()

    @handles(Manager.plan)
    async def plan(self, source: str) -> Plan:
        """Nothing of it happens."""
        return await self._node.changes.plan(source)

    @handles(Manager.apply)
    async def apply(self, source: str, keep: bool, confirm: int, supersede: bool) -> AsyncIterator[Progress]:  # noqa: FBT001 - the contract
        """An operation; it goes on when who asked goes away."""
        options = Options(keep, max(0, confirm), supersede)
        operation = self._node.changes.apply(source, options, who=who(self._node.posix.users))
        async for step in operation.follow():
            yield step

    @handles(Manager.rollback)
    async def rollback(self, version: str, supersede: bool = False) -> AsyncIterator[Progress]:  # noqa: FBT001, FBT002 - the contract
        """An operation."""
        options = Options(supersede=supersede)
        operation = self._node.changes.rollback(version, options, who=who(self._node.posix.users))
        async for step in operation.follow():
            yield step

    @handles(Manager.scale)
    async def scale(self, services: dict[str, int]) -> AsyncIterator[Progress]:
        """An operation; it goes on when who asked goes away."""
        operation = self._node.changes.scale(services, who=who(self._node.posix.users))
        async for step in operation.follow():
            yield step

    @handles(Manager.confirm)
    async def confirm(self) -> VersionLine:
        """The version in force stays."""
        return await self._node.changes.confirm()

    @handles(Manager.versions)
    async def versions(self) -> list[VersionLine]:
        """Those that are kept."""
        return await self._node.changes.versions()

    @handles(Manager.show)
    async def show(self, service: str) -> ServiceView:
        """Its keys, instances, last ends and last lines."""
        return await show(self._node, service)

    @handles(Manager.figures)
    async def figures(self, pattern: str) -> list[InstanceFigures]:
        """A row each, with zeros where it has no process."""
        node = self._node
        instances = await self._select(pattern)
        found = await look(node.posix, node.board.pids(instances))
        rows = node.board.rows(instances, {main: figures.memory for main, figures in found.items()})
        at = round(node.clock.now() * 1000)
        return [InstanceFigures(row, at, *found.get(row.pid, _NOTHING)) for row in rows]

    @handles(Manager.why)
    async def why(self, pattern: str, count: int) -> list[Why]:
        """The last moments of each."""
        return await why(self._node, await self._select(pattern), max(0, min(count, MOST_MOMENTS)))

    @handles(Manager.links)
    async def links(self) -> list[LinkLine]:
        """Those of this process."""
        return await links(self._node.posix.users, self._node.clock)

    @handles(Manager.promises)
    def promises(self, count: int) -> Promises:
        """Those of this process."""
        return promises(count)

    @handles(Manager.env)
    async def env(self, instance: str) -> list[Variable]:
        """What its next launch gets."""
        return variables(self._node.blueprints.sample(await self._one(instance, "show the environment of")))

    @handles(Manager.run)
    async def run(self, service: str, command: list[str]) -> AsyncIterator[RunOutput]:
        """What it prints, and its end."""
        instance = await self._one(service, "run a command beside")
        async with aclosing(self._oneoffs.run(instance, command, who=who(self._node.posix.users))) as output:
            async for item in output:
                yield item

    async def _one(self, instance: str, verb: str) -> str:
        """The first instance of the one service that is meant."""
        found = await self._select(instance)
        services = [name for name, ids in self._node.services.items() if not set(ids).isdisjoint(found)]
        if len(services) > 1:
            msg = f"cannot {verb} {instance}: it means {len(services)} services"
            raise UserError(msg, f"name one, for example {services[0]}")
        return found[0]

    async def _operate(self, verb: str, pattern: str) -> AsyncIterator[Progress]:
        node = self._node
        if node.board.phase == "stopping":
            msg = f"cannot {verb} {pattern}: the node is stopping"
            raise UserError(msg)
        instances = tuple(await self._select(pattern))
        operation = node.open(verb, who(node.posix.users), instances)
        node.driver.tell(event.Ask(operation.id, verb, instances))
        async for step in operation.follow():
            yield step

    async def _select(self, patterns: str) -> list[str]:
        """Instances of several patterns, each once, in the order of the configuration. Raises NotFound."""
        await self._node.until_known()
        services, labels = self._node.services, self._node.labels
        words = patterns.split()
        if not words:
            msg = "there is no service or instance without a name"
            raise NotFound(msg, "name services, or * for all")
        if len(words) == 1:
            return select(words[0], services, labels)
        meant = {instance for word in words for instance in select(word, services, labels)}
        return [instance for ids in services.values() for instance in ids if instance in meant]


def who(users: Users) -> str:
    """Who asks, for people: a user's name, else `uid 1000`."""
    return name_of(current(), users) or "somebody"
