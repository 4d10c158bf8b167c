"""Which calls each process may use: the whole list, to be read at a glance (`snowfox posix` prints it).

To allow another call, add its name to the role that needs it. `Restricted` refuses a name that does not exist.
"""

from __future__ import annotations

from typing import Final

_DESCRIPTORS: Final = frozenset(
    {
        "files.close",
        "files.read",
        "files.write",
        "files.duplicate",
        "files.pipe",
        "files.set_blocking",
        "poller",
    }
)
_FILES: Final = frozenset(
    {
        "files.open",
        "files.stat",
        "files.read_at",
        "files.sync",
        "files.truncate",
        "files.lock",
        "files.link_target",
        "folders.names",
        "folders.make",
        "folders.mode",
        "folders.remove",
        "folders.rename",
    }
)
_SESSIONS: Final = frozenset({"sockets.send", "sockets.receive", "sockets.peer"})
_ABOUT_US: Final = frozenset(
    {"own.pid", "own.parent", "own.ids", "own.boot", "own.pid_namespace", "own.uptime", "own.set_dumpable"}
)
_SIGNALS: Final = frozenset({"signals.watch", "signals.take", "signals.reset"})
_WATCHING: Final = frozenset(
    {
        "processes.open",
        "processes.identity",
        "processes.signal",
        "processes.signal_group",
        "processes.exit_of",
        "processes.any_exit",
        "processes.exit_by_descriptor",
        "processes.reap",
        "processes.all",
        "processes.spawn",
    }
)

DAEMON: Final = (
    _DESCRIPTORS
    | _FILES
    | _SESSIONS
    | _ABOUT_US
    | _SIGNALS
    | _WATCHING
    | {
        "files.duplicate_to",
        "folders.own",
        "own.set_subreaper",
        "own.new_session",
        "own.umask",
        "own.change_folder",
        "own.execute",
        "own.leave",
        "processes.fork",
        "sockets.pair",
        "sockets.bind",
        "sockets.listen",
        "sockets.connect",
        "sockets.address",
        "sockets.is_listening",
        "users.by_name",
        "users.by_uid",
        "users.groups",
        "limits.get",
        "limits.set",
    }
)
"""Starts and watches spawner and manager, keeps folders and sockets, re-executes itself. Does not take uids."""

SPAWNER: Final = (
    _DESCRIPTORS
    | _FILES
    | _SESSIONS
    | _ABOUT_US
    | _SIGNALS
    | _WATCHING
    | {
        "files.duplicate_to",
        "folders.make_fifo",
        "folders.own",
        "processes.fork",
        "processes.take_descriptor",
        "own.new_session",
        "own.umask",
        "own.become",
        "own.change_folder",
        "own.set_no_new_privileges",
        "own.allow_tracing",
        "own.close_range",
        "own.execute",
        "own.leave",
        "sockets.pair",
        "sockets.bind",
        "sockets.listen",
        "sockets.accept",
        "sockets.connect",
        "sockets.address",
        "sockets.is_listening",
        "users.by_name",
        "users.by_uid",
        "users.groups",
        "users.group_id",
        "limits.get",
        "limits.set",
    }
)
"""Launches, signals, opens ports, owns."""

MANAGER: Final = (
    _DESCRIPTORS
    | _FILES
    | _SESSIONS
    | _ABOUT_US
    | _SIGNALS
    | {
        "processes.open",
        "processes.identity",
        "processes.signal",
        "processes.exit_by_descriptor",
        "own.become",
        "own.umask",
        "own.set_no_new_privileges",
        "sockets.bind",
        "sockets.listen",
        "sockets.accept",
        "sockets.connect",
        "sockets.address",
        "sockets.is_listening",
        "users.by_name",
        "users.by_uid",
        "users.taken",
        "users.groups",
        "users.group_id",
        "limits.get",
        "limits.set",
    }
)
"""Touches services by descriptors that it was given; never has children, so no spawn, fork or reap."""

CLI: Final = (
    _DESCRIPTORS
    | _FILES
    | _SESSIONS
    | _ABOUT_US
    | _SIGNALS
    | {
        "files.duplicate_to",
        "folders.own",
        "own.new_session",
        "own.umask",
        "own.change_folder",
        "own.execute",
        "own.leave",
        "processes.fork",
        "processes.spawn",
        "processes.open",
        "processes.identity",
        "processes.signal",
        "processes.exit_of",
        "processes.reap",
        "sockets.connect",
        "sockets.is_listening",
        "users.by_name",
        "users.by_uid",
        "users.groups",
        "users.group_id",
        "limits.get",
        "limits.set",
    }
)
"""Talks to a node, and becomes or starts a daemon."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "daemon": DAEMON,
    "spawner": SPAWNER,
    "manager": MANAGER,
    "cli": CLI,
}
"""Each role's list by its name."""
