"""A configuration of services as resources, and how two of them are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from snowfox.core.config.effect import Effect
from snowfox.core.config.plan import Difference, compare
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.service.identity import has_own_uid, is_same_beside, launch_digest
from snowfox.service.spec import Configuration, Service, Socket
from snowfox.service.spelling import UidOf

SERVICE: Final = "service"
SOCKET: Final = "socket"

_HIDDEN: Final = frozenset({"name", "was", "ready.path"})


def resources(configuration: Configuration) -> dict[ResourceKey, Resource]:
    """All that a configuration makes, by key, in the order in which it is written."""
    found: dict[ResourceKey, Resource] = {}
    for name, socket in configuration.sockets.items():
        key = ResourceKey(SOCKET, name)
        found[key] = Resource(key, socket)
    for section in configuration.sections.values():
        found.update((one.key, one) for one in section.resources())
    for name, service in configuration.services.items():
        key = ResourceKey(SERVICE, name)
        requires = [ResourceKey(SOCKET, other) for other in service.sockets]
        requires += [ResourceKey(SERVICE, other) for other in service.before()]
        was = ResourceKey(SERVICE, service.was) if service.was else None
        found[key] = Resource(key, service, tuple(requires), was)
    return found


def carried(before: Configuration, after: Configuration) -> Configuration:
    """`after` with the very services of `before` where nothing of them differs.

    They are compared here, once: whoever compares them later sees that they are the same, and only one is in memory.
    """
    old = before.services
    return after.replace(
        services={
            name: old[name] if old.get(name) == service else service
            for name, service in after.services.items()
        }
    )


def differ(
    before: Configuration, after: Configuration
) -> Callable[[Resource, Resource], tuple[Difference, ...]]:
    """How a resource of one configuration is compared with one of another.

    A service whose own keys are as they were is replaced all the same where a socket that it takes, or a value that it
    is filled with, differs.
    """
    is_same_world = is_same_beside(before, after)

    def found(old: Resource, new: Resource) -> tuple[Difference, ...]:
        if is_same_world and old.spec == new.spec:
            return ()
        if not isinstance(old.spec, Service) or not isinstance(new.spec, Service):
            return compare(old, new)
        own = tuple(
            each for one in compare(old, new) if one.field not in _HIDDEN for each in _secret_by_secret(one)
        )
        is_outdated = launch_digest(before, old.spec) != launch_digest(after, new.spec)
        is_told = any(one.effect is Effect.REPLACE for one in own)
        if is_outdated and not is_told:
            return (*own, *_from_outside(before, after, old.spec, new.spec))
        if is_told and not is_outdated:  # written in another way, and the same
            return tuple(
                one if one.effect is not Effect.REPLACE else one.replace(effect=Effect.LIVE) for one in own
            )
        return own

    return found


def _secret_by_secret(one: Difference) -> Iterator[Difference]:
    """Of the secrets those that differ, by their variables, as of the environment; else what there is."""
    if one.field != "secrets":
        yield one
        return
    old, new = ({secret.name: secret for secret in side} for side in (one.before, one.after))
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Difference(f"secrets.{name}", old.get(name), new.get(name), one.effect)


def _from_outside(
    before: Configuration, after: Configuration, former: Service, service: Service
) -> tuple[Difference, ...]:
    if before.node != after.node:
        return (Difference("node.name", before.node, after.node, Effect.REPLACE),)
    if before.folder != after.folder:
        return (Difference("folder", before.folder, after.folder, Effect.REPLACE),)
    names = (*service.sockets, *after.sockets)
    for name in dict.fromkeys(names):
        old, new = before.sockets.get(name), after.sockets.get(name)
        if _listen(old) != _listen(new):
            return (Difference(f"socket.{name}.listen", _listen(old), _listen(new), Effect.REPLACE),)
    if has_own_uid(former) and has_own_uid(service):
        return (Difference("user", UidOf(former.name), UidOf(service.name), Effect.REPLACE),)
    return (Difference("name", former.name, service.name, Effect.REPLACE),)


def _listen(socket: Socket | None) -> tuple[str, ...] | None:
    return None if socket is None else socket.listen
