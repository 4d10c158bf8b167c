"""What a change of a value needs: `Annotated[int, LIVE]` on the field of a spec.

```python
class Http(Frozen):
    listen: str                                  # unmarked: whoever has it is replaced
    keep: Annotated[int, LIVE] = 5
    limits: Annotated[Limits, LIVE] = Limits()   # a section in it may say of its own fields what differs
```
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, ClassVar, Final, get_args, get_origin, get_type_hints

from snowfox.core.frozen import Frozen


class Effect(Enum):
    """What a change needs: nothing but being told, a reload, or a new one in its place."""

    LIVE = "live"
    RELOAD = "reload"
    REPLACE = "replace"


LIVE: Final = Effect.LIVE
RELOAD: Final = Effect.RELOAD
REPLACE: Final = Effect.REPLACE


@cache
def effects(cls: type[Frozen]) -> Mapping[str, Effect]:
    """What a change of each field needs, and of `field.inner` where the field's own class says so of `inner`.

    The longest name that is there counts for a change: that of `ready.notify` before that of `ready`. A field without
    a mark has `REPLACE`, inside of another the other's. Found out once of a class: annotations are texts that have to be compiled.
    """
    found: dict[str, Effect] = {}
    for field, hint in get_type_hints(cls, include_extras=True).items():
        if get_origin(hint) is ClassVar:
            continue
        found[field] = _mark(hint) or REPLACE
        inner = _inner(hint)
        for name, deeper in get_type_hints(inner, include_extras=True).items() if inner else ():
            mark = _mark(deeper)
            if mark is not None:
                found[f"{field}.{name}"] = mark
    return found


def effect_of(marks: Mapping[str, Effect], path: str) -> Effect:
    """What a change at a path (`ready.notify`, `environment.DEBUG`) needs, by the longest name of `effects` in it."""
    name = path
    while name not in marks and "." in name:
        name = name.rpartition(".")[0]
    return marks.get(name, REPLACE)


def _mark(hint: Any) -> Effect | None:
    return (
        next((extra for extra in get_args(hint)[1:] if isinstance(extra, Effect)), None)
        if _is_marked(hint)
        else None
    )


def _is_marked(hint: Any) -> bool:
    return get_origin(hint) is Annotated


def _inner(hint: Any) -> type[Frozen] | None:
    plain: Any = get_args(hint)[0] if _is_marked(hint) else hint
    return plain if isinstance(plain, type) and issubclass(plain, Frozen) else None
