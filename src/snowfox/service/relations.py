"""What services say about one another, checked: names that must be there, circles, conflicts that cannot be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.scanner import Path
from snowfox.service.cycle import cycles
from snowfox.service.dependency import Graph
from snowfox.service.layer import Chain, Layer
from snowfox.service.requirement import place_of
from snowfox.service.spec import Service

MOST_CIRCLES: Final = 20

_KEYS: Final = ("requires", "wants", "after", "conflicts")
_WAY_OUT: Final = "one of them has to do without the other, be it for the order alone: leave out one of these"
_SAYS: Final = {"requires": "requires", "wants": "wants", "after": "after"}


def named(service: Service) -> tuple[str, ...]:
    """All services that one says something about."""
    return (*service.requires, *service.wants, *service.after, *service.conflicts)


def names(layer: Layer, services: Mapping[str, Service]) -> None:
    """Each service that a layer names must be there."""
    for key in _KEYS:
        for index, item in enumerate(layer.fields.get(key, ())):
            name: str = item.service if key == "requires" else item
            if name not in services:
                listed = "services here: " + ", ".join([*services][:8])
                hint = did_you_mean(name, services) or listed
                path: Path = (key, index)
                if key == "requires" and not isinstance(layer.table[key][index], str):
                    path = (key, index, "service")
                layer.wrong(path, f"there is no service {quoted(name)}", hint=hint)


def circles(services: Mapping[str, Service], chains: Mapping[str, Chain]) -> None:
    """Services that wait for one another: `web requires cache after web`."""
    waits = {name: service.before() for name, service in services.items()}
    for circle in cycles(waits, most=MOST_CIRCLES):
        says = ""
        for name, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            says += f"{name} {_SAYS[_key(services[name], following)]} "
        name, following = circle[0], circle[1 % len(circle)]
        key, chain = _key(services[name], following), chains[name]
        why = f"it waits for itself: {says}{circle[0]}"
        hint = "leave it out" if name == following else _WAY_OUT
        chain.wrong(f"service {name}", (key, place_of(chain.written(key), following)), why, hint=hint)


def conflicts(services: Mapping[str, Service], chains: Mapping[str, Chain]) -> None:
    """Services that could never run as they are told to: what one needs, or what starts by itself, conflicts."""
    if not any(service.conflicts for service in services.values()):
        return
    graph = Graph(services)
    if len(graph.order) < len(services):  # circles: told already
        return
    started = {*graph.pulled_by(name for name, service in services.items() if service.autostart)}
    for service in services.values():
        for other in service.conflicts:
            if other in services:
                why, hint = _conflict(graph, service.name, other, started)
                if why:
                    chain = chains[service.name]
                    path = ("conflicts", place_of(chain.written("conflicts"), other))
                    chain.wrong(f"service {service.name}", path, why, hint=hint)


def ports(services: Mapping[str, Service], chains: Mapping[str, Chain]) -> None:
    """Two that count their instances up from ports of their own, and meet: the later of them is bound to fail."""
    last: Service | None = None
    for service in sorted((one for one in services.values() if one.port), key=lambda one: one.port):
        if last is not None and service.port < last.port + last.count and not _are_apart(service, last):
            chains[service.name].warn(
                ("port",),
                f"service {service.name}: {service.port} is the port of an instance of {last.name}, too",
                hint=f"{last.name} has {last.count} from {last.port} on; the next that is free: {last.port + last.count}",
            )
        if last is None or service.port + service.count > last.port + last.count:
            last = service


def _are_apart(one: Service, other: Service) -> bool:
    """Whether the two never run at the same time."""
    return other.name in one.conflicts or one.name in other.conflicts


def _conflict(graph: Graph, name: str, other: str, started: set[str]) -> tuple[str, str]:
    """What is wrong with a conflict, and what to do; nothing where it is fine."""
    if name == other:
        return (
            "it conflicts with itself",
            "leave it out: instances of one service run beside each other anyway",
        )
    both = {*graph.needing([name])} & {*graph.needing([other])}
    if both:
        first = next(each for each in graph.order if each in both)
        hint = "who needs the other cannot stop it: leave out one of the two keys"
        if first == name:
            return f"it requires {other}", hint
        if first == other:
            return f"{other} requires it", hint
        return f"{first} requires both", f"let {first} require one of them, or leave out the conflict"
    if name in started and other in started:
        return (
            f"both it and {other} start with the node",
            "one of them waits for snowfox start: autostart = false",
        )
    return "", ""


def _key(service: Service, other: str) -> str:
    """The key by which a service comes after another."""
    if other in service.requires:
        return "requires"
    return "wants" if other in service.wants else "after"
