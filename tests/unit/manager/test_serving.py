"""Who may use a node by its socket, and for how long without asking anything."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from snowfox.contract.manager import Manager, ModuleLine, Progress
from snowfox.core.module import Modules
from snowfox.core.posix.active import activate
from snowfox.core.posix.api import Credentials
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.client import connect
from snowfox.core.rpc.handlers import handles
from snowfox.core.rpc.interface import Descriptor, Right
from snowfox.core.rpc.serving import Caller
from snowfox.errors import ConnectionLost
from snowfox.manager import serving
from snowfox.manager.handlers import ManagerHandlers
from snowfox.manager.serving import grants
from snowfox.testing.clock import VirtualClock


def test_the_starter_and_root_may_use_it_and_nobody_else() -> None:
    """By uid, as the kernel tells it; group and pid do not count."""
    granted = grants(1000)
    assert granted(Caller(Credentials(7, 1000, 1000))) == {Right.READ, Right.OPERATE}
    assert granted(Caller(Credentials(7, 0, 0))) == {Right.READ, Right.OPERATE}
    assert granted(Caller(Credentials(7, 1001, 1000))) == frozenset()
    assert granted(Caller(Credentials(1, 65534, 0))) == frozenset()


class Quiet(ManagerHandlers):
    """A node of which nothing is known, that comes up for ever."""

    def __init__(self, _: object) -> None:
        pass

    @handles(Manager.starting)
    async def starting(self) -> AsyncIterator[Progress]:
        """Nothing yet."""
        await asyncio.Event().wait()
        yield Progress("", "done", "", 0)

    @handles(Manager.modules)
    def modules(self) -> list[ModuleLine]:
        """None."""
        return []


async def test_a_client_that_asks_nothing_loses_its_place(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so long without a call; one that waits for a stream stays, and so does who asks once an hour."""
    assert serving.IDLE > 3600
    monkeypatch.setattr(serving, "IDLE", 60.0)
    monkeypatch.setattr(serving, "ManagerHandlers", Quiet)
    posix = LinuxPosix()
    activate(posix)
    address = f"unix:{tmp_path}/s"
    listener = posix.sockets.bind(address)
    posix.sockets.listen(listener, 10)
    welcome = SimpleNamespace(listener=Descriptor(listener, posix), starter=os.getuid())
    modules = Modules([serving.commands], SimpleNamespace(posix=posix, welcome=welcome))
    await modules.setup()
    async with connect(address, Manager) as asking, connect(address, Manager) as following:
        assert await asking.modules() == []
        async with following.starting() as steps:
            step = asyncio.ensure_future(anext(steps))
            async with connect(address, Manager) as silent:
                for _ in range(4):
                    await clock.advance(30)
                    assert await asking.modules() == []
                with pytest.raises(ConnectionLost):
                    await silent.modules()
            assert not step.done()
            step.cancel()
    await modules.teardown()
    activate(None)
