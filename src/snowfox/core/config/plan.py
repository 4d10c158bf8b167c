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
from typing import Any, TypeVar, cast

from snowfox.core.config.effect import Effect, effect_of, effects
from snowfox.core.config.resource import Resource, ResourceKey
from snowfox.core.frozen import Frozen

K = TypeVar("K")

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

    A resource whose name of before `was` tells is kept, and so is one that gets that name back.

    Args:
        before: what is there.
        after: what is to be. Requirements outside of it are not looked at; circles have been refused.
        differ: how two are compared.
    """
    names = renamed(*({key: one.was for key, one in side.items()} for side in (before, after)))
    steps: list[Step] = []
    for key in in_order(after):
        was = names.get(key)
        found = before.get(was or key)
        if found is None:
            steps.append(Step(Action.CREATE, key))
            continue
        differences = differ(found, after[key])
        steps.append(Step(_action(differences, is_renamed=was is not None), key, was, differences))
    former = set(names.values())
    gone = [key for key in in_order(before) if key not in after and key not in former]
    return (*steps, *(Step(Action.REMOVE, key) for key in reversed(gone)))


def renamed(before: Mapping[K, K | None], after: Mapping[K, K | None]) -> dict[K, K]:
    """What has another key now: the one of before, by that of now. Each is given once.

    Args:
        before: the keys that are there, and what each was called in the version before that.
        after: the keys that are to be, and what each was called. This goes first; the other tells on the way back.
    """
    left = {key for key in before if key not in after}
    pairs = [(key, was) for key, was in after.items() if was is not None]
    pairs += [(was, key) for key, was in before.items() if was is not None]
    found: dict[K, K] = {}
    for key, was in pairs:
        if key in after and key not in before and key not in found and was in left:
            found[key] = was
            left.remove(was)
    return found


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
