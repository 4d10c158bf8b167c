"""From one configuration to another, as steps: a pure function of what both make.

```text
create    only the new one has it             in the order in which resources require one another
update    it differs, and is told             (a live change, or a reload)
replace   it differs, and another takes its place
remove    only the old one has it             at the end, the other way round
keep      nothing differs                     carried over as it is; counted
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, cast

from snowfox.core.config.effect import Effect, effect_of, effects
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.frozen import Frozen

Resources = Mapping[ResourceKey, Resource]


class Action(Enum):
    """What becomes of a resource."""

    CREATE = "create"
    KEEP = "keep"
    UPDATE = "update"
    REPLACE = "replace"
    REMOVE = "remove"


class Difference(Frozen):
    """A field that differs, `environment.DEBUG`: its values (None: not there), and what the change needs."""

    field: str
    before: Any
    after: Any
    effect: Effect


class Step(Frozen):
    """What becomes of a resource, and why.

    Args:
        action: what.
        key: of which.
        was: the key that it had before, where it was renamed.
        differences: for update and replace.
    """

    action: Action
    key: ResourceKey
    was: ResourceKey | None = None
    differences: tuple[Difference, ...] = ()


Differ = Callable[[Resource, Resource], tuple[Difference, ...]]
"""What differs between a resource of before and the one that takes its place."""


def compare(before: Resource, after: Resource) -> tuple[Difference, ...]:
    """By the fields of their specs, tables in them key by key; what a change needs is marked on the fields.

    Two specs of different types differ as a whole.
    """
    if type(before.spec) is not type(after.spec):
        return (Difference("kind", type(before.spec).__name__, type(after.spec).__name__, Effect.REPLACE),)
    if before.spec == after.spec:
        return ()
    marks = effects(type(after.spec))
    return tuple(
        Difference(path, old, new, effect_of(marks, path))
        for path, old, new in _unequal("", before.spec, after.spec)
    )


def plan(before: Resources, after: Resources, differ: Differ = compare) -> tuple[Step, ...]:
    """The steps from one to the other, in their order.

    Args:
        before: what is there.
        after: what is to be. Requirements outside of it are not looked at; circles have been refused.
        differ: how two are compared.
    """
    renamed = {
        one.was: key
        for key, one in after.items()
        if one.was is not None and one.was in before and key not in before
    }
    steps: list[Step] = []
    for key in in_order(after):
        one = after[key]
        former = one.was if one.was is not None and renamed.get(one.was) == key else key
        found = before.get(former)
        if found is None:
            steps.append(Step(Action.CREATE, key))
            continue
        differences = differ(found, one)
        was = None if former == key else former
        steps.append(Step(_action(differences, is_renamed=was is not None), key, was, differences))
    gone = [key for key in in_order(before) if key not in after and key not in renamed]
    return (*steps, *(Step(Action.REMOVE, key) for key in reversed(gone)))


def in_order(resources: Resources) -> list[ResourceKey]:
    """Each after all that it requires, else in the order in which they are written."""
    done: dict[ResourceKey, None] = {}
    for first, one in resources.items():
        if not one.requires:
            done[first] = None
            continue
        way = [first]
        while way:
            key = way[-1]
            open_ones = [
                other
                for other in resources[key].requires
                if other in resources and other not in done and other not in way
            ]
            if open_ones and key not in done:
                way.append(open_ones[0])
            else:
                done[way.pop()] = None
    return list(done)


def _action(differences: tuple[Difference, ...], *, is_renamed: bool) -> Action:
    if any(one.effect is Effect.REPLACE for one in differences):
        return Action.REPLACE
    return Action.UPDATE if differences or is_renamed else Action.KEEP


def _unequal(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Paths of what differs, with both values."""
    if before == after:
        return
    if isinstance(before, Frozen) and type(before) is type(after):
        fields = cast("tuple[str, ...]", before.__match_args__)
        for name in fields:
            yield from _unequal(_below(path, name), getattr(before, name), getattr(after, name))
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        old, new = cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after)
        for name in dict.fromkeys((*old, *new)):
            yield from _unequal(_below(path, name), old.get(name), new.get(name))
        return
    yield path, before, after


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
