"""`NamedTuple` as of `typing`, for whoever imports many: classes are made in half the time.

`typing` compiles the annotation of every field, only to know that it is one: of 130 classes that is a tenth of what a
manager's imports take, and as much of every command's. Type checkers do that without a process of ours; whoever needs
the types (`core.rpc.form`) reads them by `typing.get_type_hints`, as from any class.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from snowfox.core.frozen import annotations_of

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - said again for those who import it from here
else:
    _MADE = frozenset(
        {"__annotations__", "__annotate_func__", "__classdictcell__", "__module__", "__qualname__"}
    )

    class _Named(type):
        def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(mcs, name, bases, namespace)
            fields = annotations_of(namespace)
            given = [field for field in fields if field in namespace]
            if given != list(fields)[len(fields) - len(given) :]:
                msg = f"a field of {name} needs a default: one before it has one"
                raise TypeError(msg)
            made = namedtuple(  # noqa: PYI024 - this is what typing makes of it, too
                name,
                fields,
                defaults=[namespace[field] for field in given],
                module=namespace["__module__"],
            )
            made.__annotations__ = fields
            for key, value in namespace.items():
                if key not in _MADE and key not in fields:
                    setattr(made, key, value)
            made.__qualname__ = namespace["__qualname__"]
            return made

    class NamedTuple(metaclass=_Named):
        """See `typing.NamedTuple`."""
