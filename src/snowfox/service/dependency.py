"""Who needs whom: a graph of services, its order and its closures. Pure, iterative, linear.

Edges are *requires* (starts only when they are ready, goes and comes back with them), *wants* (started too, and has
its chance first) and *after* (order only). All order starts, and stops the other way round. *conflicts* is no edge: who
says so does not matter, and it orders nothing. Names that no service has are left out: the check of a
configuration has refused them, and an instance that is only being stopped may still name one. Circles are refused
there as well (`service.cycle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from snowfox.service.spec import Service


class Graph:
    """The services of a configuration and their edges.

    Args:
        services: by name, in the order in which equals shall start.
    """

    __slots__ = (
        "_places",
        "after",
        "conflicts",
        "dependents",
        "followers",
        "order",
        "requires",
        "wants",
    )

    requires: dict[str, tuple[str, ...]]
    """What each requires."""
    wants: dict[str, tuple[str, ...]]
    """What each wants and does not require anyway."""
    after: dict[str, tuple[str, ...]]
    """What each merely comes after: what it wants, and `after` without what it requires anyway."""
    conflicts: dict[str, tuple[str, ...]]
    """What each does not run beside, whichever of the two says so; only of those that have some."""
    dependents: dict[str, tuple[str, ...]]
    """Who requires each."""
    followers: dict[str, tuple[str, ...]]
    """Who merely comes after each."""
    order: tuple[str, ...]
    """All, each after what it requires and follows. Members of a circle are left out."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.requires = {
            name: _known(service.requires, services, except_for=()) for name, service in services.items()
        }
        self.wants = {
            name: _known(service.wants, services, except_for=self.requires[name])
            for name, service in services.items()
        }
        self.after = {
            name: _known((*self.wants[name], *service.after), services, except_for=self.requires[name])
            for name, service in services.items()
        }
        self.conflicts = _both_ways(services)
        self.dependents = _reversed(self.requires)
        self.followers = _reversed(self.after)
        self.order = self._sorted()
        self._places = {name: place for place, name in enumerate(self.order)}

    def before(self, name: str) -> tuple[str, ...]:
        """All that this one starts after, directly."""
        return self.requires[name] + self.after[name]

    def behind(self, name: str) -> tuple[str, ...]:
        """All that start after this one, directly."""
        return self.dependents[name] + self.followers[name]

    def needed_by(self, names: Iterable[str]) -> list[str]:
        """These and all that they require, directly or not, in order of start."""
        return self._closure(names, self.requires)

    def pulled_by(self, names: Iterable[str]) -> list[str]:
        """These and all that they require or want, directly or not, in order of start."""
        edges = {name: self.requires[name] + wanted for name, wanted in self.wants.items() if wanted}
        return self._closure(names, {**self.requires, **edges} if edges else self.requires)

    def needing(self, names: Iterable[str]) -> list[str]:
        """These and all that require them, directly or not, in order of start."""
        return self._closure(names, self.dependents)

    def sorted(self, names: Iterable[str]) -> list[str]:
        """These in order of start."""
        return sorted(names, key=self._places.__getitem__)

    def _closure(self, names: Iterable[str], edges: dict[str, tuple[str, ...]]) -> list[str]:
        found = dict.fromkeys(names)
        waiting = list(found)
        while waiting:
            for other in edges[waiting.pop()]:
                if other not in found:
                    found[other] = None
                    waiting.append(other)
        return self.sorted(found)

    def _sorted(self) -> tuple[str, ...]:
        open_edges = {name: len(self.before(name)) for name in self.requires}
        free = [name for name, count in open_edges.items() if not count]
        for name in free:
            for other in self.behind(name):
                open_edges[other] -= 1
                if not open_edges[other]:
                    free.append(other)
        return tuple(free)


def _known(
    names: Iterable[str], services: Mapping[str, Service], *, except_for: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if name in services and name not in except_for)


def _both_ways(services: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, service in services.items():
        for other in service.conflicts:
            if other in services and other != name:
                found.setdefault(name, {})[other] = None
                found.setdefault(other, {})[name] = None
    return {name: tuple(others) for name, others in found.items()}


def _reversed(edges: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name in edges}
    for name, others in edges.items():
        for other in others:
            found[other].append(name)
    return {name: tuple(others) for name, others in found.items()}
