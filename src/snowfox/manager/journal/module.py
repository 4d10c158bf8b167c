"""Modules `store` and `journal`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Final

from snowfox.contract.manager import EventLine
from snowfox.core.event.bus import Bus
from snowfox.core.ids import Ids
from snowfox.core.log import get
from snowfox.core.module import Setup, module
from snowfox.core.store.api import Limits
from snowfox.core.store.sqlite import SqliteStore
from snowfox.manager.journal.journal import Journal
from snowfox.manager.journal.keeper import Keeper
from snowfox.manager.journal.storage import Storage
from snowfox.manager.level import Level
from snowfox.manager.node import Node

FILE: Final = "state.db"
"""The store, in the folder that the daemon names."""
_LIMITS: Final = Limits(facts=100_000, operations=1_000, versions=20)

_log: Final = get("manager.journal")


@module(Level.STORE, essential=True)
async def store(setup: Setup) -> AsyncIterator[None]:
    """The store is open, and what was kept is known."""
    node: Node = setup.context
    kept = node.store = SqliteStore(f"{node.welcome.store}/{FILE}", _LIMITS)
    await kept.open()
    own = node.posix.own
    # A container that was made anew on the same boot of the host has other processes.
    boot = f"{own.boot()}/{own.pid_namespace()}"
    node.storage = Storage(kept, node.clock, boot=boot)
    node.remembered = await node.storage.load()
    newest = await node.storage.last_events(1)
    node.ids = Ids(node.clock, Random(), after=newest[0].id if newest else "")  # noqa: S311 - no secret
    yield
    await kept.close()


@module(Level.STORE, after="store", essential=True)
async def journal(setup: Setup) -> AsyncIterator[None]:
    """Events are told, kept facts are stored."""
    node: Node = setup.context
    node.bus = Bus(node.clock, node.ids)
    node.keeper = Keeper(node.storage.write, node.alarms)

    async def last(count: int) -> list[EventLine]:
        await node.keeper.flush()
        return await node.storage.last_events(count)

    node.journal = Journal(node.bus, keep=node.keeper.fact, last=last)
    yield
    node.journal.close()
    await node.bus.close()
    if not await node.keeper.flush():
        _log.error("what happened last is not stored", error=node.keeper.problem)
