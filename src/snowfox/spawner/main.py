"""Start of the spawner: `boot.py spawner --root|--user --manager-uid N --home PATH`.

Descriptors: 3 the session with the daemon, 4 the node's run folder, 5 the listener where a new daemon comes, 6 the
policy's file (or /dev/null), 2 the node's log. The daemon ends it over the session. SIGHUP and SIGINT do nothing;
SIGTERM does nothing either while there is a daemon; without one the spawner leaves, and the services stay with their
records.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Sequence
from functools import partial
from posixpath import dirname
from typing import Final

from snowfox.core import log
from snowfox.core.clock import Clock, SystemClock
from snowfox.core.named import NamedTuple
from snowfox.core.posix.active import activate
from snowfox.core.posix.api import Posix
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.posix.restricted import Restricted
from snowfox.core.posix.roles import SPAWNER
from snowfox.errors import PosixError, SnowFoxError, UsageError
from snowfox.spawner import requests
from snowfox.spawner.adoption import Adoption
from snowfox.spawner.confining import Confining
from snowfox.spawner.events import Event
from snowfox.spawner.exits import Exits
from snowfox.spawner.groups import Groups
from snowfox.spawner.hearer import Hearer
from snowfox.spawner.held import Held, Kit
from snowfox.spawner.hierarchy import Hierarchies
from snowfox.spawner.in_force import InForce
from snowfox.spawner.knocks import NOTICES, Knocks
from snowfox.spawner.launch import BUILT, Limit, Maker, choose
from snowfox.spawner.launching import Launching, Means
from snowfox.spawner.leftovers import Leftovers
from snowfox.spawner.loop import Loop, Parts
from snowfox.spawner.policy import DEFAULT_FILE, Policy, load
from snowfox.spawner.ports import Ports
from snowfox.spawner.record import Records
from snowfox.spawner.secret import Secrets
from snowfox.spawner.sessions import DAEMON, Sessions
from snowfox.spawner.succession import Succession

SESSION, RUN, LISTENER, POLICY, LOG = 3, 4, 5, 6, 2
"""Numbers of the descriptors that the daemon gives."""

REFUSED: Final = 3
"""Exit code when the policy cannot be used."""

_GARBAGE: Final = 10_000
"""New objects between two collections of the youngest. The default of 700 is for fewer."""

_log = log.get("spawner")


class Setting(NamedTuple):
    """What the spawner was started with.

    Args:
        is_root: whether it runs as root for a manager that does not.
        manager: the manager's uid.
        home: the node's own folder, `.snowfox`, absolute.
        launcher: path of the launcher; where there is no such file, processes are forked.
    """

    is_root: bool
    manager: int
    home: str
    launcher: str = BUILT


def setting(words: Sequence[str]) -> Setting:
    """What the arguments say. Raises UsageError."""
    found = Setting(is_root=False, manager=-1, home="")
    left = list(words)
    while left:
        match left:
            case ["--root" | "--user" as word, *left]:
                found = found._replace(is_root=word == "--root")
            case ["--manager-uid", number, *left] if number.isdecimal():
                found = found._replace(manager=int(number))
            case ["--home", path, *left] if path.startswith("/"):
                found = found._replace(home=path)
            case ["--launcher", path, *left] if path.startswith("/"):
                found = found._replace(launcher=path)
            case _:
                raise UsageError(f"cannot start the spawner: what is {left[0]}?")
    if found.manager < 0 or not found.home:
        raise UsageError("cannot start the spawner: it needs --manager-uid and --home")
    return found


def main(words: Sequence[str]) -> int:
    """Run until the daemon ends it; the exit code."""
    gc.freeze()  # what was imported stays
    gc.set_threshold(_GARBAGE)
    gc.enable()
    posix = Restricted(LinuxPosix(), SPAWNER, role="spawner")
    activate(posix)
    clock = SystemClock()
    try:
        log.set_sink(log.json_line_sink(partial(posix.files.write, LOG), least="info"))
        given = setting(words)
        maker = choose(posix, program=given.launcher)
        assemble(posix, clock, given, maker=maker).run()
        maker.close()
    except (UsageError, PosixError) as error:
        _log.error(str(error), advice=error.hint)
        return 1
    except SnowFoxError as error:
        _log.error(str(error), advice=error.hint)
        return REFUSED
    return 0


def assemble(posix: Posix, clock: Clock, given: Setting, *, maker: Maker) -> Loop:
    """A spawner on the descriptors of its daemon. Raises UserError when the policy cannot be used, PosixError."""
    signals = posix.signals.watch((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    rules = _rules(posix, given)
    soft, hard = posix.limits.get("NOFILE")
    posix.limits.set("NOFILE", hard, hard)
    poller = posix.poller()
    records = Records(posix, RUN, manager=_manager_group(posix, given))
    run = posix.files.stat(RUN)
    groups = Groups(posix, Hierarchies(posix, f"snowfox-{run.device:x}-{run.inode:x}"))
    held = Held(posix, poller, records, groups)
    events: deque[Event] = deque()
    kit = Kit(posix, clock, records, held, groups, events.append)
    ports = Ports(posix, rules)
    confining = Confining(posix, rules, groups, confines=maker.confines)
    means = Means(
        maker=maker,
        ports=ports,
        secrets=Secrets(posix, rules),
        confining=confining,
        null=posix.files.open("/dev/null", os.O_RDWR),
        limit=Limit("NOFILE", soft, hard),
    )
    exits = Exits(kit)
    sessions = Sessions(posix, clock, poller)
    leftovers = Leftovers(kit)
    parts = Parts(
        poller=poller,
        sessions=sessions,
        desk=requests.desk(
            posix,
            clock,
            confining=confining,
            rules=rules,
            knocks=Knocks(posix, poller, ports, ear=Hearer(posix, poller, NOTICES)),
            holders=held.holders,
        ),
        launching=Launching(kit, means),
        exits=exits,
        adoption=Adoption(kit, exits),
        leftovers=leftovers,
        succession=Succession(kit, leftovers),
    )
    sessions.begin(DAEMON, SESSION)
    return Loop(kit, parts, events=events, listener=LISTENER, signals=signals)


def _rules(posix: Posix, given: Setting) -> InForce:
    own = posix.own.ids().uid
    start = Policy(own=own, manager=given.manager, home=dirname(given.home), file=_policy_name(posix))
    return InForce(posix, load(posix, POLICY, start), start=start, seen=posix.files.stat(POLICY))


def _policy_name(posix: Posix) -> str:
    """For messages: the file that the daemon opened, or the one that it looked for."""
    try:
        file = posix.files.link_target(f"/proc/self/fd/{POLICY}")
    except PosixError:  # no /proc
        return DEFAULT_FILE
    return DEFAULT_FILE if file == "/dev/null" else file


def _manager_group(posix: Posix, given: Setting) -> int:
    """The group that output FIFOs are for: the manager's."""
    if not given.is_root:
        return posix.own.ids().gid
    user = posix.users.by_uid(given.manager)
    return user.gid if user is not None else given.manager
