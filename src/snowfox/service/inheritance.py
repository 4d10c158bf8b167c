"""`extends`: what a service has from templates and `[defaults]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from snowfox.core.config.nearest import did_you_mean
from snowfox.core.config.problem import quoted
from snowfox.core.config.section import Partial, merge
from snowfox.core.named import NamedTuple
from snowfox.service.cycle import cycles
from snowfox.service.layer import Chain, Layer
from snowfox.service.section import ServiceTable

DEEPEST: Final = 16
"""Templates that a service has, one through another."""

_MOST_CYCLES: Final = 20
_OF_SERVICES: Final = frozenset({("ready",), ("alive",), ("watchdog",), ("restart", "when")})


class Sum(NamedTuple):
    """What layers say together, and which they are, the nearest first."""

    fields: Partial
    chain: Chain

    def below(self, layer: Layer) -> Sum:
        """With one more layer on top."""
        return Sum(merge(ServiceTable, layer.fields, self.fields), Chain((layer, *self.chain)))


NOTHING: Final = Sum({}, Chain())


class Inheritance:
    """What each template comes to, and each service that extends one.

    For a task, `ready` and `restart.when` of `[defaults]` do not count: they are about services, which run on.

    Args:
        layers: templates by name.
        defaults: what lies below all.
    """

    def __init__(self, layers: Mapping[str, Layer], defaults: Layer | None = None) -> None:
        self._layers = layers
        self._of_services = _Sums(layers, NOTHING if defaults is None else NOTHING.below(defaults))
        self._of_tasks = self._of_services
        if defaults is not None and any(defaults.decides(path) for path in _OF_SERVICES):
            self._of_tasks = _Sums(layers, NOTHING.below(_for_tasks(defaults)))

    def of(self, layers: Sequence[Layer]) -> Sum:
        """What the layers of a service, the nearest first, say together with the template that they extend.

        What is named and is not there is left out.
        """
        found = self._of_services.of(layers)
        return self._of_tasks.of(layers) if found.fields.get("type") == "task" else found

    def check(self) -> None:
        """Report templates that extend themselves, and what is wrong with what each extends."""
        parents = {name: self._parents(layer) for name, layer in self._layers.items()}
        for circle in cycles(parents, most=_MOST_CYCLES):
            way = " → ".join([*circle, circle[0]])
            self._layers[circle[0]].wrong(("extends",), f"it extends itself: {way}")
        for layer in self._layers.values():
            self.check_extends(layer)
            if self._of_services.depth(layer.fields.get("extends")) == DEEPEST:
                layer.wrong(
                    ("extends",), f"it is over {DEEPEST} templates, one through another: this is too deep"
                )

    def check_extends(self, layer: Layer) -> None:
        """Report a template that is not there."""
        name: str | None = layer.fields.get("extends")
        if name is not None and name not in self._layers:
            hint = did_you_mean(name, self._layers) or f"write [template.{name}]"
            layer.wrong(("extends",), f"there is no template {quoted(name)}", hint=hint)

    def _parents(self, layer: Layer) -> tuple[str, ...]:
        name: str | None = layer.fields.get("extends")
        return () if name is None else (name,)


class _Sums:
    """What each template comes to, on top of what lies below all."""

    def __init__(self, layers: Mapping[str, Layer], lowest: Sum) -> None:
        self._layers = layers
        self._lowest = lowest
        self._sums: dict[str, Sum] = {}

    def of(self, layers: Sequence[Layer]) -> Sum:
        named = (layer.fields["extends"] for layer in layers if "extends" in layer.fields)
        name: str | None = next(named, None)
        found = self._lowest if name is None else self._sum(name)
        for layer in reversed(layers):
            found = found.below(layer)
        return found

    def depth(self, name: str | None) -> int:
        """Templates that a template has, itself included."""
        return 0 if name is None else len(self._sum(name).chain) - len(self._lowest.chain)

    def _sum(self, name: str) -> Sum:
        done = self._sums.get(name)
        if done is not None:
            return done
        way: list[str] = []
        at: str | None = name
        while at is not None and at in self._layers and at not in self._sums and at not in way:
            way.append(at)
            at = self._layers[at].fields.get("extends")
        found = self._lowest if at is None else self._sums.get(at, self._lowest)
        for each in reversed(way):
            if len(found.chain) - len(self._lowest.chain) >= DEEPEST:
                found = self._lowest
            found = self._sums[each] = found.below(self._layers[each])
        return found


def _for_tasks(defaults: Layer) -> Layer:
    fields = {
        name: value for name, value in defaults.fields.items() if name not in {"ready", "alive", "watchdog"}
    }
    if "restart" in fields:
        fields["restart"] = {name: value for name, value in fields["restart"].items() if name != "when"}
    return defaults._replace(fields=fields, hidden=_OF_SERVICES)
