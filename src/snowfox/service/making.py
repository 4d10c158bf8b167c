"""From what layers say together to a service, every default filled in."""

from __future__ import annotations

from snowfox.core.config.section import Partial, build
from snowfox.service.hook import HOOKS
from snowfox.service.requirement import names
from snowfox.service.section import ServiceTable
from snowfox.service.spec import Restart, Rolling, Secret, Service


def make_service(name: str, fields: Partial, *, owner: int, folder: str) -> Service:
    """The service.

    Args:
        name: of the service.
        fields: of a `ServiceTable`, paths in it absolute; a command that is missing is no words.
        owner: uid of the file that defines it.
        folder: of that file, absolute; "" is the configuration's.
    """
    table = build(ServiceTable, fields if "command" in fields else {**fields, "command": ()})
    is_task = table.type == "task"
    restart = _restart(table, fields)
    return Service(
        name=name,
        command=table.command,
        directory=table.directory,
        environment=table.environment,
        inherit_environment=tuple(dict.fromkeys(table.inherit_environment)),
        user=table.user,
        sockets=table.sockets,
        instances=table.instances,
        port=table.port,
        requires=names(table.requires),
        on_restart={one.service: one.on_restart for one in table.requires if one.on_restart},
        wants=tuple(dict.fromkeys(table.wants)),
        after=tuple(dict.fromkeys(table.after)),
        conflicts=tuple(dict.fromkeys(table.conflicts)),
        is_task=is_task,
        ready=table.ready,
        alive=table.alive,
        watchdog=table.watchdog or 0.0,
        restart=restart,
        stop=table.stop,
        log=table.log,
        limits=table.limits,
        sandbox=table.sandbox,
        umask=table.umask,
        nice=table.nice,
        oom_score=table.oom_score,
        autostart=table.autostart,
        owner=owner,
        description=table.description,
        labels=tuple(dict.fromkeys(table.labels)),
        replacement=_replacement(table),
        rolling=table.replace_ if isinstance(table.replace_, Rolling) else Rolling(),
        is_on_demand=table.start == "on-demand",
        idle=table.idle,
        was=table.was,
        secrets=tuple(Secret(key, secret.file, secret.as_) for key, secret in sorted(table.secrets.items())),
        folder=folder,
        timeout=table.timeout if is_task else None,
        essential=table.essential,
        schedule=table.schedule,
        **{name: getattr(table, name) for name in ("reload", "recycle", *HOOKS)},
    )


def _restart(table: ServiceTable, fields: Partial) -> Restart:
    """As it is written, but for what follows from what the service is."""
    if table.type == "task" and "when" not in fields.get("restart", ()):
        return table.restart.replace(when="never")
    if table.start == "on-demand" and table.restart.when == "on-failure":
        return table.restart.replace(when="always")  # one that ends well waits for the next connection
    return table.restart


def _replacement(table: ServiceTable) -> str:
    if isinstance(table.replace_, str):
        return table.replace_
    return "rolling" if table.replace_ or table.sockets else "restart"
