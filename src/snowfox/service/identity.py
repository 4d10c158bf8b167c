"""What makes a process of a service the one that is wanted: a digest of all that its launch depends on.

A process that runs with the wanted digest is carried over; one with another is outdated and replaced. What is taken
over at once (restart, stop, log, how readiness is found out …) is not part of it, nor is anything that may differ from
one start of the node to the next though nobody changed the configuration, as PATH.
"""

from __future__ import annotations

from snowfox.core.config.resource import digest_of
from snowfox.service.filling import uses
from snowfox.service.launch import port_name
from snowfox.service.spec import Configuration, Service

LENGTH = 32
"""Hex digits that are kept of it: enough to tell versions of one service apart."""


def launch_digest(configuration: Configuration, service: Service) -> str:
    """32 hex digits of what the processes of this service are launched with.

    Args:
        configuration: checked; says what `${NAME}` and sockets stand for.
        service: of it.
    """
    named = _named(service)
    ports = tuple(
        (name, configuration.sockets[name].listen)
        for name in configuration.sockets
        if port_name(name) in named
    )
    sockets = tuple(
        (name, configuration.sockets[name].listen)
        for name in service.sockets
        if name in configuration.sockets
    )
    return digest_of(
        (
            service.command,
            service.directory,
            "" if service.directory else service.folder or configuration.folder,
            service.environment,
            service.user,
            service.owner,
            service.is_task,
            service.is_heard,
            service.ready.descriptor,
            (service.watchdog, service.log.streams),
            (service.limits, service.sandbox, service.umask, service.nice, service.oom_score),
            service.secrets,
            service.name if "SERVICE" in named or has_own_uid(service) else "",
            configuration.node if "NODE" in named else "",
            sockets,
            ports,
            *(("INSTANCE_PORT", service.port) if "INSTANCE_PORT" in named else ()),
            *(("shell", service.inherit_environment) if service.inherit_environment else ()),
        )
    )[:LENGTH]


def instance_digest(digest: str, service: Service, suffix: str) -> str:
    """What the processes of one instance are launched with: that of the service, unless its place makes a difference.

    Args:
        digest: of `launch_digest`.
        service: whose that is.
        suffix: what tells the instance from the others.
    """
    if isinstance(service.instances, int) or not service.port or "INSTANCE_PORT" not in _named(service):
        return digest
    place = service.instances.index(suffix) if suffix in service.instances else -1
    return digest_of((digest, place))[:LENGTH]


def has_own_uid(service: Service) -> bool:
    """Whether root's node gives it a uid that nobody else has: found by its name, so another name is another uid."""
    return not (service.user or service.owner)


def is_same_beside(before: Configuration, after: Configuration) -> bool:
    """Whether all beside a service's own keys that `launch_digest` looks at is the same in both."""
    return (before.node, before.folder, before.sockets) == (after.node, after.folder, after.sockets)


def _named(service: Service) -> frozenset[str]:
    sandbox = service.sandbox
    paths = (service.directory, *sandbox.read_only, *sandbox.writable)
    texts = (*service.command, *paths, *service.environment.values())
    if "${" not in "\n".join(texts):  # of nearly all, and seen in one look
        return frozenset()
    return frozenset(use.name for text in texts for use in uses(text))
