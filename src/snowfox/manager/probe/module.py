"""Module `probes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from snowfox.core.module import Setup, module
from snowfox.manager.alarm import Alarm
from snowfox.manager.level import Level
from snowfox.manager.node import Node
from snowfox.manager.probe.hearing import Hearing
from snowfox.manager.probe.notice import Notice
from snowfox.manager.probe.notify import REST, NotifyReader, Use
from snowfox.manager.probe.prober import Means, Prober
from snowfox.manager.probe.senders import Senders
from snowfox.manager.probe.watchdog import Watchdogs
from snowfox.manager.probe.watching import Watching
from snowfox.service.beside import Beside
from snowfox.service.event import Event
from snowfox.values import Exit


@module(Level.ENGINE, after="connector", essential=True)
async def probes(setup: Setup) -> AsyncIterator[None]:
    """Services are asked whether they are ready, and heard when they say so."""
    node: Node = setup.context

    async def helper(instance: str, command: tuple[str, ...]) -> Exit:
        return await node.connector.helper(
            node.blueprints.helper(instance, Beside("probe", command), node.ids.new())
        )

    def tell(happened: Event) -> None:
        node.driver.tell(happened)

    prober = Prober(Means(node.posix, node.clock, helper=helper), node.alarms, tell)
    watchdogs = Watchdogs(node.clock, node.alarms, tell)
    node.hearing = Hearing(
        node.alarms,
        whose=node.connector.whose,
        watchdogs=watchdogs,
        tell=tell,
        follow=node.connector.following.follow,
    )
    node.watching = Watching(prober, watchdogs, node.hearing)

    def hears(senders: Iterator[int], notice: Notice) -> Use:
        use = node.hearing(senders, notice)
        if use is Use.TOLD:
            node.keeper.hurry()  # it is not said again to a manager that takes our place
        return use

    def turn() -> None:
        if node.is_known.is_set():
            reader.turn()
        else:  # what was said while there was no manager is of launches that are not taken over yet
            rest()

    def rest() -> None:
        node.loop.remove_reader(reader.descriptor)
        rests.append(node.alarms.set(REST, lambda: node.loop.add_reader(reader.descriptor, turn)))
        del rests[:-1]

    rests: list[Alarm] = []
    reader = NotifyReader(
        node.posix,
        node.welcome.notify.take(),
        senders=Senders(node.posix, node.connector.main),
        hears=hears,
        rest=rest,
    )
    node.loop.add_reader(reader.descriptor, turn)
    node.hear_out = partial(_hear_out, node, reader)
    yield
    for alarm in rests:
        node.alarms.clear(alarm)
    node.loop.remove_reader(reader.descriptor)
    node.posix.files.close(reader.descriptor)
    prober.close()
    watchdogs.close()
    node.hearing.close()


def _hear_out(node: Node, reader: NotifyReader, token: str) -> None:
    """Its main process has ended: what it said before that counts now."""
    reader.drain()
    node.hearing.hurry(token)
    node.connector.following.heard_all(token)
