"""Facts about the node that launches depend on, and how many instances it can have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snowfox.manager.blueprint import free_uids
from snowfox.manager.node import Node
from snowfox.service import launch
from snowfox.service.spec import Configuration
from snowfox.values import MOST_INHERITED

_DESCRIPTORS_EACH: Final = 2
"""What an instance takes in the spawner: its pidfd and a read end of its output; in the manager it takes one."""
_DESCRIPTORS_BESIDE: Final = 32
"""What both have besides, launches under way included."""


async def facts(node: Node, configuration: Configuration, addresses: Mapping[str, str]) -> launch.Node:
    """What a launch needs to know.

    Args:
        node: where.
        configuration: whose services are launched.
        addresses: of its sockets, by key.

    Raises UserError when there are not uids enough, ConnectionLost when the daemon does not answer.
    """
    named = dict.fromkeys(name for one in configuration.services.values() for name in one.inherit_environment)
    missing = [name for name in named if name not in node.shell]
    for start in range(0, len(missing), MOST_INHERITED):
        names = missing[start : start + MOST_INHERITED]
        found = await node.daemon.environment(names)
        node.shell.update((name, found.get(name)) for name in names)
    shell = {name: value for name in named if (value := node.shell[name]) is not None}
    own = node.posix.own.ids()
    welcome = node.welcome
    is_root = welcome.uid >= 0
    entry = node.posix.users.by_uid(own.uid)
    return launch.Node(
        name=configuration.node,
        uid=own.uid,
        user=entry.name if entry else str(own.uid),
        is_root=is_root,
        path=welcome.path,
        notify=welcome.notify_address,
        addresses=dict(addresses),
        dynamic=free_uids(configuration, node.posix.users, own.uid) if is_root else {},
        shell=shell,
    )


def too_many(node: Node, configuration: Configuration) -> list[str]:
    """What speaks against the number of instances: descriptors that the spawner would not have."""
    instances = sum(one.count for one in configuration.services.values())
    sockets = sum(len(one.listen) for one in configuration.sockets.values())
    needed = _DESCRIPTORS_EACH * instances + sockets + _DESCRIPTORS_BESIDE
    _, hard = node.posix.limits.get("NOFILE")
    if needed <= hard or hard < 0:
        return []
    why = f"cannot run {instances} instances: they need {needed} descriptors, and the limit is {hard}"
    advice = "raise it before snowfox up: ulimit -Hn, as root, or in /etc/security/limits.conf"
    return [f"{why}\n   {advice}"]
