"""Which calls each process may use: the whole list, to be read at a glance, and no more than what is used.

To allow another call, add its name to the role that needs it. `Restricted` refuses a name that does not exist.
"""

from __future__ import annotations

from typing import Final

_ALL: Final = frozenset(
    {
        "files.close",
        "files.open",
        "files.read",
        "files.write",
        "poller",
        "sockets.connect",
        "sockets.receive",
        "sockets.send",
    }
)
_NODE: Final = _ALL | {
    "files.read_at",
    "files.stat",
    "folders.make",
    "folders.remove",
    "limits.get",
    "limits.set",
    "own.boot",
    "own.ids",
    "own.pid_namespace",
    "processes.identity",
    "sockets.peer",
    "users.by_name",
    "users.by_uid",
}
_PARENTS: Final = _NODE | {
    "files.duplicate",
    "files.duplicate_to",
    "files.lock",
    "files.pipe",
    "folders.names",
    "folders.own",
    "own.pid",
    "own.uptime",
    "processes.exit_by_descriptor",
    "processes.exit_of",
    "processes.open",
    "processes.signal",
    "processes.signal_group",
    "processes.spawn",
    "signals.take",
    "signals.watch",
    "sockets.bind",
    "sockets.listen",
}

DAEMON: Final = _PARENTS | {
    "files.truncate",
    "folders.mode",
    "folders.rename",
    "own.set_subreaper",
    "processes.any_exit",
    "processes.reap",
    "sockets.pair",
}
"""Starts and watches spawner and manager, keeps folders and sockets. Does not take uids."""

SPAWNER: Final = _PARENTS | {
    "files.link_target",
    "files.sealed",
    "files.set_blocking",
    "folders.link",
    "folders.make_fifo",
    "folders.mode",
    "own.become",
    "own.change_folder",
    "own.close_range",
    "own.execute",
    "own.leave",
    "own.new_session",
    "own.parent",
    "own.set_nice",
    "own.set_no_new_privileges",
    "own.umask",
    "processes.all",
    "processes.fork",
    "processes.take_descriptor",
    "sockets.accept",
    "sockets.address",
    "sockets.connect",
    "sockets.is_listening",
    "sockets.notice",
    "sockets.pair",
    "users.group_id",
    "users.groups",
}
"""Launches, signals, opens ports, owns."""

MANAGER: Final = _NODE | {
    "files.enlarge",
    "files.pipe",
    "folders.names",
    "folders.rename",
    "own.become",
    "own.set_dumpable",
    "processes.all",
    "sockets.accept",
    "sockets.address",
    "users.taken",
}
"""Touches services by descriptors that it was given; never has children, so no spawn, fork or reap."""

CLI: Final = _ALL | {
    "files.duplicate_to",
    "files.pipe",
    "own.execute",
    "own.leave",
    "own.new_session",
    "processes.fork",
    "processes.open",
    "processes.spawn",
    "signals.watch",
    "sockets.pair",
}
"""Talks to a node, and starts a daemon. Short-lived and with nobody's rights but its user's: nothing holds it to this."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "daemon": DAEMON,
    "spawner": SPAWNER,
    "manager": MANAGER,
    "cli": CLI,
}
"""Each role's list by its name."""
