"""The daemon's program: takes the folder's lock, opens what the node needs, runs the loop, and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from snowfox.contract.control import Welcome
from snowfox.contract.start import HOME, Node, parse
from snowfox.core.backoff import Backoff
from snowfox.core.clock import Clock, SystemClock
from snowfox.core.ids import KernelRandom, new_id
from snowfox.core.log import get, json_line_sink, set_sink
from snowfox.core.named import NamedTuple
from snowfox.core.posix.active import activate
from snowfox.core.posix.api import Posix
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.posix.restricted import Restricted
from snowfox.core.posix.roles import DAEMON
from snowfox.core.rpc.interface import Descriptor
from snowfox.daemon import folders, keeper, lock, opening, undo
from snowfox.daemon.children import Children, Setting
from snowfox.daemon.core import Core
from snowfox.daemon.early import Ahead
from snowfox.daemon.events import MANAGER, SPAWNER, Begin
from snowfox.daemon.loop import Hands, Loop, Offer
from snowfox.daemon.opening import Opened
from snowfox.daemon.orphans import Orphans
from snowfox.daemon.reporter import Reporter
from snowfox.daemon.sessions import HUNG, Project, Sessions
from snowfox.daemon.steady import SteadyClock
from snowfox.daemon.strays import end_strays
from snowfox.errors import HostError, PosixError, SnowFoxError, UsageError

DELAYS: Final = Backoff(first=0.1, factor=2.0, most=30.0)
"""Between restarts of a process of ours that keeps dying; the first restart is at once."""

_FEW: Final = 64  # descriptors that the daemon itself needs
_TRIES: Final = 10  # to open a folder that refused starts remove
_VIEWER_PATIENCE: Final = 2.0
_CHECK: Final = 60.0  # seconds that the command line may take to find a configuration
_log = get("daemon")


class Means(NamedTuple):
    """What a run needs from outside.

    Args:
        posix: the kernel.
        clock: the time.
        node: what to run.
        environment: ours; a few names of it are passed on.
        reporter: who is told of the start.
        ahead: a manager that was started before us.
    """

    posix: Posix
    clock: Clock
    node: Node
    environment: dict[str, str]
    reporter: Reporter
    ahead: Ahead


def main(arguments: Sequence[str]) -> int:
    """Run a node; its exit code. What went wrong at the start is one line on stderr, or on the pipe of `--ready`."""
    gc.freeze()  # what was imported stays
    gc.enable()
    environment = dict(os.environ)
    try:
        node = parse(list(arguments)).replace(
            boot=f"{__file__.rpartition('/daemon/')[0]}/boot.py", services_path=environment.get("PATH", "")
        )
    except UsageError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        return 2
    posix = Restricted(LinuxPosix(), DAEMON, role="daemon")
    activate(posix)
    clock = SystemClock()
    ahead = Ahead(posix, clock, node.early)
    return run(Means(posix, clock, node, environment, Reporter(posix, node.ready), ahead))


def run(means: Means) -> int:
    """What `main` does, with all that it needs given in."""
    reporter = means.reporter
    try:
        if means.node.go >= 0:
            name, _, shown = _awaited(means).partition("\0")
            if not name:
                return 0
            means = means._replace(node=means.node.replace(configuration=name, shown=shown))
        return _run(means)
    except SnowFoxError as error:
        _log.error(str(error))
        if reporter.is_heard:
            reporter.report("failed", str(error), error.hint)
        else:
            sys.stderr.write("\n".join(part for part in (str(error), error.hint) if part) + "\n")
        return 1
    finally:
        reporter.close()
        means.ahead.end()
        _wait_for_viewer(means)


def _awaited(means: Means) -> str:
    """Which configuration, when it is time to begin; "" when it never will be."""
    posix, go = means.posix, means.node.go
    posix.files.duplicate_to(go, go, inherited=False)
    poller = posix.poller()
    until = means.clock.after(_CHECK)
    content = b""
    try:
        poller.add(go)
        while not content.endswith(b"\n") and (left := until - means.clock.now()) > 0:
            chunk = posix.files.read(go, 4096) if poller.wait(left) else None
            if chunk == b"":
                return ""
            content += chunk or b""
    finally:
        poller.close()
        posix.files.close(go)
    return content.decode("utf-8", "surrogateescape").rstrip("\n")


def _run(means: Means) -> int:
    posix, node = means.posix, means.node
    if node.ready >= 0:
        posix.files.duplicate_to(node.ready, node.ready, inherited=False)
    limit = _raise_limit(posix)
    signals = posix.signals.watch((signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    project, home, taken, is_first = _locked(means)
    if taken.descriptor < 0:
        if not means.reporter.is_heard:
            raise lock.refusal(node.project, taken.holder)
        means.reporter.busy(taken.holder)
        return 1
    opened = opening.open_node(posix, means.clock, node, project=project, home=home)
    posix.files.duplicate_to(opened.log.descriptor, 2, inherited=True)
    set_sink(json_line_sink(opened.log.write, clock=means.clock, least="info"))
    posix.own.set_subreaper()
    _log.info("listening", pid=posix.own.pid(), project=node.project)
    means.reporter.listening(posix.own.pid())
    code = _loop(means, opened, signals=signals, limit=limit)
    if is_first and code == undo.REFUSED:
        undo.undo(posix, opened.places, claim=opened.claim)
    lock.free(posix, taken)
    return code


def _locked(means: Means) -> tuple[int, int, lock.Taken, bool]:
    """The project's folder, the node's, the lock, and whether the node's folder was made by us, or was empty."""
    posix = means.posix
    for _ in range(_TRIES):
        project, home = folders.open_home(posix, means.node.project)
        is_first = not posix.folders.names(home)
        taken = lock.take(posix, home, means.clock)
        if not taken.is_gone:
            return project, home, taken, is_first
        posix.files.close(home)
        posix.files.close(project)
    msg = f"cannot start a node in {means.node.project}: its folder {HOME} does not stay"
    raise HostError(msg, "")


def _loop(means: Means, opened: Opened, *, signals: int, limit: tuple[int, int]) -> int:
    posix, node, places = means.posix, means.node, opened.places
    clock = SteadyClock(means.clock)
    poller = posix.poller()
    random = KernelRandom()
    sockets = keeper.Sockets(posix)
    log, null = opened.log, opening.null(posix)
    setting = Setting(node, places, log.descriptor, null, opened.manager, means.environment, limit)
    orphans = Orphans(posix, places.launches)
    children = Children(posix, setting, orphans, means.ahead)
    project = Project(places.project, node.configuration, means.environment)
    sessions = Sessions(posix, clock, poller, sockets=sockets, project=project, followed=orphans.followed)
    if opened.found is not None:
        children.take_over(opened.found)
        sessions.open(SPAWNER, opened.found.socket, patience=HUNG)
    stopping: set[int] = {signal.SIGTERM, signal.SIGINT}
    if not node.is_detached:
        stopping.add(signal.SIGHUP)
    offer = _offer(means, opened)
    hands = Hands(children, sessions, sockets, offer, log, means.reporter, frozenset(stopping))
    core = Core(lambda attempt: DELAYS.delay(attempt, random))
    loop = Loop(posix, clock, poller, core=core, hands=hands, signals=signals)
    end = loop.run(Begin(keeper=opened.found is not None, adopting=opened.adopting))
    sessions.close(SPAWNER)
    sessions.close(MANAGER)
    if not end.leave:
        end_strays(posix, clock)
    opening.close(posix, opened, leave=end.leave)
    return end.code


def _offer(means: Means, opened: Opened) -> Offer:
    node, posix, manager = means.node, means.posix, opened.manager
    nothing = Descriptor(-1, posix)
    welcome = Welcome(
        root=node.project,
        home=f"{node.project}/{HOME}",
        store=opened.store,
        listener=nothing,
        notify=nothing,
        notify_address=opened.notify_address,
        logs=nothing,
        spawner=nothing,
        uid=-1 if manager is None else manager.uid,
        gid=-1 if manager is None else manager.gid,
        starter=posix.own.ids().uid,
        path="" if manager is not None else node.services_path,
        version=new_id(means.clock),
        configuration=node.configuration,
        shown=node.shown,
        owner=posix.files.stat(opened.places.project).uid,
    )
    return Offer(welcome, opened.listener, opened.notify, opened.places.logs)


def _raise_limit(posix: Posix) -> tuple[int, int]:
    """As many descriptors as we may have; what it was. Raises HostError when that is too few even for the daemon."""
    soft, hard = posix.limits.get("NOFILE")
    if soft != hard:
        posix.limits.set("NOFILE", hard, hard)
    if 0 <= hard < _FEW:
        msg = f"cannot start a node: {hard} descriptors are too few (hard limit of open files)"
        raise HostError(msg, "raise it: ulimit -Hn")
    return soft, hard


def _wait_for_viewer(means: Means) -> None:
    """Let our child that shows what happens print the end before the shell comes back."""
    if not means.node.viewer:
        return
    try:
        pidfd = means.posix.processes.open(means.node.viewer)
    except PosixError:  # it is gone
        return
    keeper.gone(means.posix, means.clock, pidfd, _VIEWER_PATIENCE)
    means.posix.files.close(pidfd)
