"""Which instances a person means: a glob over ids (`web@1`) and names of services (`shop.*`), or a label (`@public`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate

from snowfox.core.config.nearest import nearest
from snowfox.core.config.problem import quoted
from snowfox.errors import NotFound


def select(
    pattern: str, services: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """Ids of the instances that the pattern means, in the order of `services`.

    The name of a service, or a glob of it, means all its instances. `web@1` also means `web` where it has only one.

    Args:
        pattern: a name, an id, `@` and a label, or a glob of one of these with `*`, `?` and `[…]`.
        services: ids of the instances by name of the service.
        labels: by name of the service, of those that have some.

    Raises NotFound with the nearest names when it means none, but for `*`.
    """
    if pattern == "*":
        return [instance for ids in services.values() for instance in ids]
    if pattern.startswith("@"):
        return _labelled(pattern, services, labels or {})
    exact = services.get(pattern)
    if exact is not None:
        return list(exact)
    match = re.compile(translate(pattern)).match
    found: list[str] = []
    for name, ids in services.items():
        if match(name):
            found += ids
        elif len(ids) == 1:
            found += ids if match(ids[0]) or match(f"{name}@1") else ()
        else:
            found += [instance for instance in ids if match(instance)]
    if not found:
        raise NotFound(f"there is no service or instance {quoted(pattern)}", _advice(pattern, services))
    return found


def _labelled(
    pattern: str, services: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[str]]
) -> list[str]:
    match = re.compile(translate(pattern[1:])).match
    meant = {name for name, own in labels.items() if any(match(label) for label in own)}
    found = [instance for name, ids in services.items() if name in meant for instance in ids]
    if not found:
        known = sorted({label for own in labels.values() for label in own})
        raise NotFound(f"no service has the label {quoted(pattern[1:])}", _advice_label(pattern[1:], known))
    return found


def _advice_label(label: str, known: list[str]) -> str:
    if not known:
        return "no service has a label"
    near = nearest(label, known, most=3)
    if near:
        return "did you mean " + " or ".join(f'"@{name}"' for name in near) + "?"
    return "labels here: " + ", ".join(known[:8]) + (" …" if len(known) > 8 else "")


def _advice(pattern: str, services: Mapping[str, Sequence[str]]) -> str:
    if not services:
        return "no service is defined"
    names = [*services, *(instance for ids in services.values() for instance in ids)]
    near = nearest(pattern, names, most=3)
    if near:
        return "did you mean " + " or ".join(f'"{name}"' for name in near) + "?"
    listed = list(services)
    return "services here: " + ", ".join(listed[:8]) + (" …" if len(listed) > 8 else "")
