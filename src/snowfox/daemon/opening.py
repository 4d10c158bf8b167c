"""What a node has once its folders are open: descriptors, sockets, whom the manager becomes, who stayed of before."""

from __future__ import annotations

import os
from typing import Final

from snowfox.contract.start import HOME, MANAGER_SOCKET, Node
from snowfox.core.clock import Clock
from snowfox.core.ids import KernelRandom
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, Posix
from snowfox.daemon import folders, keeper, stores
from snowfox.daemon.identity import manager_ids
from snowfox.daemon.node_log import NodeLog
from snowfox.errors import PosixError

BACKLOG: Final = 4096
"""Commands that may wait while a manager is away."""


class Opened(NamedTuple):
    """What a node has.

    Args:
        places: its folders.
        manager: whom the manager becomes; None: it stays who we are.
        store: path of the store's folder.
        claim: that it is ours, in root's node.
        log: the node's log.
        listener: of `run/manager.sock`.
        notify: the datagram socket of readiness.
        notify_address: its name.
        found: a spawner that stayed.
        adopting: services of before may run.
    """

    places: folders.Places
    manager: Ids | None
    store: str
    claim: stores.Claim | None
    log: NodeLog
    listener: int
    notify: int
    notify_address: str
    found: keeper.Found | None
    adopting: bool


def open_node(posix: Posix, clock: Clock, node: Node, *, project: int, home: int) -> Opened:
    """Open or make all that a node has; processes of before are ended or found. The lock is held.

    Args:
        posix: the kernel.
        clock: for waits.
        node: what to run.
        project: its folder.
        home: its `.snowfox`.

    Raises PosixError, HostError.
    """
    path = f"{node.project}/{HOME}"
    us = posix.own.ids()
    store, claim, manager = path, None, None
    if us.uid == 0:
        claim = stores.claim(posix, home, node.project)
        store = claim.path
        manager = manager_ids(posix, store)
        stores.make(posix, claim, manager.uid)
    owner = us.uid if manager is None else manager.uid
    places = folders.open_places(posix, project, home, path=path, owner=owner)
    log = NodeLog(posix, home)
    keeper.end_old_manager(posix, clock, run=places.run)
    found = keeper.look(posix, clock, run=places.run)
    notify, notify_address = _notify(posix, places.run)
    return Opened(
        places=places,
        manager=manager,
        store=store,
        claim=claim,
        log=log,
        listener=listen(posix, MANAGER_SOCKET, run=places.run),
        notify=notify,
        notify_address=notify_address,
        found=found,
        adopting=bool(posix.folders.names(places.launches)),
    )


def listen(posix: Posix, name: str, *, run: int) -> int:
    """A listening socket in the run folder, in place of what was left there. Raises PosixError."""
    folders.remove(posix, name, folder=run)
    bound = posix.sockets.bind(f"unix:{name}", mode=0o600, folder=run)
    posix.sockets.listen(bound, BACKLOG)
    return bound


def close(posix: Posix, opened: Opened, *, leave: bool) -> None:
    """Remove what the node had in its run folder; with `leave`, all but what finds the spawner and services again."""
    run = opened.places.run
    folders.remove(posix, MANAGER_SOCKET, folder=run)
    if not leave:
        folders.remove(posix, folders.NOTIFY, folder=run)
        keeper.forget(posix, run=run)
        if opened.claim is not None:
            stores.remove_gone(posix, opened.claim)


def _notify(posix: Posix, run: int) -> tuple[int, str]:
    """The socket of readiness, at the name that services of before know, unless somebody else has it."""
    before = folders.read_small(posix, folders.NOTIFY, folder=run).strip()
    if before.isalnum():
        try:
            return posix.sockets.bind(f"unix-datagram:@snowfox-{before}"), f"@snowfox-{before}"
        except PosixError:  # theirs now; services of before cannot say that they are ready
            pass
    part = f"{KernelRandom().getrandbits(64):016x}"
    bound = posix.sockets.bind(f"unix-datagram:@snowfox-{part}")
    folders.write_small(posix, folders.NOTIFY, f"{part}\n", folder=run)
    return bound, f"@snowfox-{part}"


def null(posix: Posix) -> int:
    """What stands for a missing stdin and stdout."""
    return posix.files.open("/dev/null", os.O_RDWR)
