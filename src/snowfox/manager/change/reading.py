"""Where a change is read from: what is there now, a version that is kept, or the one in force."""

from __future__ import annotations

from snowfox.contract.manager import VersionLine
from snowfox.core.config.source import Sources
from snowfox.errors import NotNow
from snowfox.manager.change.record import Provisional
from snowfox.manager.change.versions import find, line_of
from snowfox.manager.change.where import name_of, origin
from snowfox.manager.node import Node
from snowfox.manager.source import unpack


async def named(node: Node, source: str) -> Sources:
    """What is there now: where the version in force came from, or what a person named."""
    if not source and node.sources is not None:
        return await node.reader.read(origin(node.sources))
    welcome = node.welcome
    name = name_of(source or welcome.root, root=welcome.root, configuration=welcome.configuration)
    return await node.reader.read(name or await node.reader.main())


async def kept(node: Node, version: str) -> Sources:
    """What was read for a version that is kept."""
    meant = find(await node.storage.versions(), version, now=node.version)
    return unpack(await node.storage.configuration(meant.id) or b"")


async def lines_of(node: Node, provisional: Provisional | None) -> list[VersionLine]:
    """The versions that are kept, the newest last. Raises StoreError."""
    return [line_of(one, now=node.version, provisional=provisional) for one in await node.storage.versions()]


async def in_force(node: Node) -> Sources:
    """What the version in force was read from. Raises NotNow when there is none yet."""
    if node.sources is None:
        msg = "cannot read the version in force: the node is starting"
        raise NotNow(msg, "try again when it is up: snowfox status")
    return node.sources
