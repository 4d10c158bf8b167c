"""The processes below the daemon: spawner and manager, started or taken over, and all that end as our children.

Both are watched by pidfd, so that a child of ours and a spawner that was taken over are one code path. A child's exit
is learned when it is reaped, which SIGCHLD asks for; the pidfd then says when it is gone.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import Final

from snowfox.contract.start import INHERITED, POLICY, SPAWNER_SOCKET, Early, Node
from snowfox.core.log import get
from snowfox.core.named import NamedTuple
from snowfox.core.posix.api import Ids, Posix, Spawn
from snowfox.daemon import keeper
from snowfox.daemon.ear import Allowance, Ear
from snowfox.daemon.early import Ahead
from snowfox.daemon.events import MANAGER, SPAWNER, OrphanReaped, Role
from snowfox.daemon.folders import Places
from snowfox.daemon.opening import listen
from snowfox.daemon.orphans import Orphans
from snowfox.errors import HostError, PosixError
from snowfox.values import UNKNOWN_EXIT, Exit

MOST_AT_ONCE: Final = 1000
"""Children reaped in one turn, so that a storm of them starves nobody."""

_log = get("daemon")


class Setting(NamedTuple):
    """What processes are started with.

    Args:
        node: what we were told.
        places: the node's folders.
        log: the node's log, open for appending.
        null: /dev/null.
        manager: whom the manager becomes; None: it stays who we are.
        environment: ours; a few names of it are passed on.
        limit: soft and hard limit of descriptors that we were started with.
    """

    node: Node
    places: Places
    log: int
    null: int
    manager: Ids | None
    environment: dict[str, str]
    limit: tuple[int, int]


class _Child:
    __slots__ = ("exit", "is_ours", "pid", "pidfd")

    def __init__(self, pid: int, pidfd: int, *, is_ours: bool) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.is_ours = is_ours
        self.exit: Exit | None = None


class Children:
    """Starts, takes over, kills and reaps.

    Args:
        posix: the kernel.
        setting: what they get.
        orphans: the launches of spawners that died.
        ahead: a manager that was started already.
    """

    def __init__(self, posix: Posix, setting: Setting, orphans: Orphans, ahead: Ahead) -> None:
        self._posix = posix
        self._setting = setting
        self._orphans = orphans
        self._ahead = ahead
        self._alive: dict[Role, _Child] = {}
        self._heard: list[Ear] = []
        self._allowance = Allowance(posix)
        self._listener = -1

    def start(self, role: Role) -> int:
        """Start it; our end of the session with it. Raises PosixError, HostError (the policy cannot be opened)."""
        early = self._ahead.take() if role == MANAGER else None
        return self._start(role) if early is None else self._greet(early)

    def _greet(self, early: Early) -> int:
        """Go on with a manager that was started already."""
        try:
            child = _Child(early.pid, self._posix.processes.open(early.pid), is_ours=True)
        except PosixError:
            self._ahead.reject(early)
            raise
        self._heard.append(Ear(self._posix, early.errors, self._setting.log, self._allowance))
        self._alive[MANAGER] = child
        keeper.note(self._posix, MANAGER, early.pid, run=self._setting.places.run)
        _log.info("started", role=MANAGER, pid=early.pid, early=True)
        return early.session

    def _start(self, role: Role) -> int:
        ours, theirs = self._posix.sockets.pair()
        opened: list[int] = [theirs]
        try:
            pairs = self._descriptors(role, theirs, opened)
            pid = self._spawned(
                Spawn(
                    program=self._setting.node.python,
                    arguments=tuple(self._words(role)),
                    environment=self._environment(),
                    descriptors=pairs,
                    session=True,
                )
            )
            self._alive[role] = _Child(pid, self._watched(pid), is_ours=True)
            keeper.note(self._posix, role, pid, run=self._setting.places.run)
        except BaseException:
            self._posix.files.close(ours)
            while self._heard:
                self._heard.pop().close()
            raise
        finally:
            for descriptor in opened:
                self._posix.files.close(descriptor)
        _log.info("started", role=role, pid=pid)
        return ours

    def _spawned(self, order: Spawn) -> int:
        """Start it with the soft limit of descriptors that we were started with: services are to get that."""
        soft, hard = self._setting.limit
        own = self._posix.limits.get("NOFILE")
        try:
            self._posix.limits.set("NOFILE", soft, hard)
            return self._posix.processes.spawn(order)
        finally:
            self._posix.limits.set("NOFILE", *own)

    def _watched(self, pid: int) -> int:
        """A pidfd; a process that cannot be watched is killed by its group, which is its own."""
        try:
            return self._posix.processes.open(pid)
        except PosixError:
            self._posix.processes.signal_group(pid, signal.SIGKILL)
            raise

    def take_over(self, found: keeper.Found) -> None:
        """Watch a spawner that stayed."""
        self._alive[SPAWNER] = _Child(found.pid, found.pidfd, is_ours=False)
        keeper.note(self._posix, SPAWNER, found.pid, run=self._setting.places.run)
        _log.info("took over", role=SPAWNER, pid=found.pid)

    def new_ear(self) -> Ear | None:
        """The stderr of a manager started since the last question: the caller's to wait for and to close."""
        return self._heard.pop() if self._heard else None

    def pidfd(self, role: Role) -> int:
        """What becomes readable when it ends; -1 when there is none."""
        child = self._alive.get(role)
        return -1 if child is None else child.pidfd

    def kill(self, role: Role) -> None:
        """SIGKILL. It is gone when its pidfd says so."""
        child = self._alive.get(role)
        if child is not None:
            self._posix.processes.signal(child.pidfd, signal.SIGKILL)

    def ended(self, role: Role) -> Exit:
        """Its pidfd became readable: how it ended. Closes the pidfd, which nobody may wait for any more."""
        child = self._alive.pop(role)
        how = child.exit
        if how is None and child.is_ours:
            how = self._posix.processes.exit_of(child.pid, reap=True)
        elif how is None:
            how = self._posix.processes.exit_by_descriptor(child.pidfd)
        self._posix.files.close(child.pidfd)
        if role == SPAWNER and child.exit is None:
            self._orphans.spawner_died()
        return UNKNOWN_EXIT if how is None else how

    def reap(self) -> tuple[list[OrphanReaped], bool]:
        """Reap who ended; what of that spawners should know, and whether more may be waiting."""
        told: list[OrphanReaped] = []
        for _ in range(MOST_AT_ONCE):
            found = self._posix.processes.any_exit()
            if found is None:
                return told, False
            pid, how = found
            role: Role | None = next((name for name, child in self._alive.items() if child.pid == pid), None)
            if role is not None:
                self._note_exit(role, how)
            else:
                self._look_after_spawner()
                if (token := self._orphans.settle(pid, how)) is not None:
                    told.append(OrphanReaped(token, how))
            self._posix.processes.reap(pid)
        return told, True

    def _look_after_spawner(self) -> None:
        """Its children become ours in the instant in which it dies, and may be found before it."""
        child = self._alive.get(SPAWNER)
        if child is not None and child.is_ours and child.exit is None:
            how = self._posix.processes.exit_of(child.pid, reap=False)
            if how is not None:
                self._note_exit(SPAWNER, how)

    def _note_exit(self, role: Role, how: Exit) -> None:
        is_first = self._alive[role].exit is None
        self._alive[role].exit = how
        if is_first and role == SPAWNER:
            self._orphans.spawner_died()

    def _words(self, role: Role) -> list[str]:
        words = self._setting.node.child_words(role)
        return [*words, *self._rights()] if role == SPAWNER else words

    def _rights(self) -> list[str]:
        """Words of the spawner about what it may do."""
        manager = self._setting.manager
        uid = self._posix.own.ids().uid if manager is None else manager.uid
        kind = "--user" if manager is None else "--root"
        return [kind, "--manager-uid", str(uid)]

    def _environment(self) -> dict[str, str]:
        ours = self._setting.environment
        return {name: ours[name] for name in INHERITED if name in ours}

    def _descriptors(self, role: Role, theirs: int, opened: list[int]) -> tuple[tuple[int, int], ...]:
        setting = self._setting
        common = ((setting.null, 0), (setting.null, 1), (theirs, 3))
        if role == MANAGER:
            reader, writer = self._posix.files.pipe()
            opened.append(writer)
            self._heard.append(Ear(self._posix, reader, setting.log, self._allowance))
            return (*common, (writer, 2))
        policy = self._policy()
        opened.append(policy)
        return (*common, *self._of_spawner(policy))

    def _of_spawner(self, policy: int) -> tuple[tuple[int, int], ...]:
        """What the spawner alone gets: our descriptors and its numbers for them, in the order in which it is told."""
        setting = self._setting
        if self._listener < 0:
            # Not sooner: a keeper that was taken over waits at its own, also for our successor.
            self._listener = listen(self._posix, SPAWNER_SOCKET, run=setting.places.run)
        return ((setting.log, 2), (setting.places.run, 4), (self._listener, 5), (policy, 6))

    def _policy(self) -> int:
        """The policy, opened anew for each spawner: the place in an open file is shared."""
        named = self._setting.node.policy
        try:
            return self._posix.files.open(named or POLICY, os.O_RDONLY | os.O_NONBLOCK)
        except PosixError as error:
            # A user who may not read the system's policy has no rights that it could widen.
            if not named and error.errno in {errno.ENOENT, errno.EACCES, errno.ENOTDIR}:
                return self._posix.files.open("/dev/null", os.O_RDONLY)
            msg = f"cannot read the policy: {error}"
            raise HostError(msg, "name it with --policy FILE") from error
