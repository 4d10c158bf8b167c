"""Which instances a person means: a glob over ids (`web@1`) and names of services (`shop.*`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate

from snowfox.core.config.nearest import nearest
from snowfox.core.config.problem import quoted
from snowfox.errors import NotFound


def select(pattern: str, services: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids of the instances that the pattern means, in the order of `services`.

    The name of a service, or a glob of it, means all its instances. `web@1` also means `web` where it has only one.

    Args:
        pattern: a name, an id, or a glob with `*`, `?` and `[…]`.
        services: ids of the instances by name of the service.

    Raises NotFound with the nearest names when it means none, but for `*`.
    """
    if pattern == "*":
        return [instance for ids in services.values() for instance in ids]
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


def _advice(pattern: str, services: Mapping[str, Sequence[str]]) -> str:
    if pattern.startswith("@"):
        return "labels are not supported yet"
    if not services:
        return "no service is defined"
    names = [*services, *(instance for ids in services.values() for instance in ids)]
    near = nearest(pattern, names, most=3)
    if near:
        return "did you mean " + " or ".join(f'"{name}"' for name in near) + "?"
    listed = list(services)
    return "services here: " + ", ".join(listed[:8]) + (" …" if len(listed) > 8 else "")
