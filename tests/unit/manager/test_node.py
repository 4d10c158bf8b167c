"""What the manager's parts share."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from snowfox.core.clock import SystemClock
from snowfox.core.config.source import File, Sources
from snowfox.core.context import DynamicContext
from snowfox.core.ids import Ids
from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.node import SERVICE, Node
from snowfox.manager.operation.operations import Operations
from snowfox.manager.output.losses import Losses
from snowfox.manager.source import CHANGED, Reader
from snowfox.service.scale import Scale
from snowfox.service.spec import Configuration, Service


class Daemon:
    """Has no file any more; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def open_source(self, name: str) -> None:
        """It is gone."""
        self.asked += 1


class Part:
    """Stands for a part of which only some fields are looked at."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """Without a configuration; what it put in force is taken back."""
    daemon: Any = Daemon()
    welcome: Any = None
    clock = SystemClock()
    node = Node(LinuxPosix(), clock, asyncio.get_running_loop(), daemon=daemon, welcome=welcome)
    node.ids = Ids(clock)
    node.operations = Operations(clock, node.ids, alarms=node.alarms, keep=lambda _: None)
    keeper: Any = Part(problem="", dropped=0)
    output: Any = Part(losses=Losses(), forwards=Part(problems={}))
    changes: Any = Part(notes=[], is_under_way=False)
    node.keeper, node.output, node.changes = keeper, output, changes
    repository: Any = None
    node.reader = Reader(daemon, LinuxPosix(), folder="/srv", repository=repository)
    yield node
    DynamicContext.uninstall()


def configuration() -> Configuration:
    """One service of two instances."""
    return Configuration("shop", {"web": Service("web", ("x",), instances=2)}, {}, "v" * 64, "/srv")


async def test_who_waits_for_an_operation_gets_it(node: Node) -> None:
    """`stopping` may be asked before the node goes down; several may wait."""
    waiting = [asyncio.ensure_future(node.operation("down")) for _ in range(2)]
    await asyncio.sleep(0)
    node.open("start", "anna", ())
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    operation = node.open("down", "anna", ())
    assert await asyncio.gather(*waiting) == [operation, operation]
    assert await node.operation("down") is operation


async def test_a_configuration_names_node_version_and_instances(node: Node) -> None:
    """What patterns are matched against."""
    node.use(Sources("/srv", (File("snowfox.toml", "", 0),)), configuration())
    assert (node.name, node.version) == ("shop", "v" * 64)
    assert node.services == {"web": ("web@1", "web@2")}


async def test_a_configuration_makes_the_dynamic_context(node: Node) -> None:
    """It is in force under its version, and what is in it is found by name."""
    node.use(Sources("/srv", (File("snowfox.toml", "", 0),)), configuration())
    context = DynamicContext.instance()
    assert context.version == "v" * 64
    assert context[SERVICE, "web"].instances == 2


async def test_notes_tell_what_is_wrong_with_the_node(node: Node) -> None:
    """Changed files, lost output, a store that refuses; nothing where all is well."""
    assert await node.notes() == []
    node.use(Sources("/srv", (File("snowfox.toml", "", 0),)), configuration())
    node.output.losses.add("web@1", 2048, "cannot write current: no space left on device (ENOSPC)")
    node.keeper.problem = "cannot write store"
    notes = await node.notes()
    assert notes[0].startswith("cannot write store")
    assert notes[1].startswith("2.0K of the output of web@1 lost: ")
    assert notes[2] == CHANGED


async def test_files_of_a_change_that_is_under_way_are_no_news(node: Node) -> None:
    """Nobody is told to apply what is being applied."""
    node.use(Sources("/srv", (File("snowfox.toml", "", 0),)), configuration())
    changes: Any = node.changes
    changes.is_under_way = True
    assert CHANGED not in await node.notes()
    changes.is_under_way = False
    assert CHANGED in await node.notes()


async def test_files_are_looked_at_no_more_than_once_a_second(node: Node) -> None:
    """A status in a loop does not keep the daemon busy."""
    node.use(Sources("/srv", (File("snowfox.toml", "", 0),)), configuration())
    for _ in range(5):
        assert CHANGED in await node.notes()
    daemon: Any = node.daemon
    assert daemon.asked == 1


def test_what_is_checked_again_is_what_changed(node: Node) -> None:
    """Services that are written as in what was fine before are the very same; what was not fine is nothing to go by."""
    fine, other, wrong = (
        Sources("/srv", (File("snowfox.toml", f'[service.a]\ncommand = "a"\n[service.b]\n{said}\n', 0),))
        for said in ('command = "b"', 'command = "c"', "command = 1")
    )
    before = node.check(fine).require().services
    assert node.check(wrong).configuration is None
    after = node.check(other).require().services
    assert after["a"] is before["a"]
    assert after["b"].command == ("c",)
    assert node.check(other, {"a": Scale(2, 1)}).require().services["a"].count == 2
