"""`NamedTuple` as of `typing`, for whoever imports many: a class is made in a tenth of the time.

`typing` compiles the annotation of every field, only to know that it is one, and the constructor of every class: of 130
classes that is a seventh of what a manager's imports take, and as much of every command's. Here a constructor is compiled
once per number of fields, as for `frozen`. Type checkers look at annotations without a process of ours; whoever needs the
types (`core.rpc.form`) reads them by `typing.get_type_hints`, as from any class.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Self

from snowfox.core.frozen import annotations_of

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - said again for those who import it from here
else:
    try:
        from _collections import _tuplegetter  # what `collections` reads fields by, where there is one
    except ImportError:
        from operator import itemgetter

        def _tuplegetter(place: int, doc: str) -> property:
            return property(itemgetter(place), doc=doc)

    class _Values(tuple):
        """What `collections.namedtuple` writes into each class."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Self:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                msg = f"Expected {len(cls._fields)} arguments, got {len(made)}"
                raise TypeError(msg)
            return made

        def _replace(self, /, **changes: Any) -> Self:
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                msg = f"Got unexpected field names: {list(changes)!r}"
                raise TypeError(msg)
            return made

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            inside = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({inside})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class _Named(type):
        def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(mcs, name, bases, namespace)
            fields = tuple(annotations_of(namespace))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                msg = f"a field of {name} needs a default: one before it has one"
                raise TypeError(msg)
            code = _new_code(len(fields)).replace(
                co_varnames=("cls", *fields), co_qualname=f"{namespace['__qualname__']}.__new__"
            )
            namespace["__new__"] = FunctionType(code, _MAKES, "__new__", tuple(defaults.values()))
            namespace["__slots__"] = ()
            namespace["__match_args__"] = namespace["_fields"] = fields
            namespace["_field_defaults"] = defaults
            namespace.update((field, _getter(place)) for place, field in enumerate(fields))
            return type(name, (_Values,), namespace)

    _MAKES = {"make": tuple.__new__}

    @cache
    def _new_code(count: int) -> CodeType:
        """Makes a tuple of `count` values, the names put in for each class."""
        values = "".join(f", value{place}" for place in range(count))
        module = compile(
            f"def __new__(cls{values}): return make(cls, ({values[2:]}{',' if count else ''}))",
            __file__,
            "exec",
        )
        return next(part for part in module.co_consts if isinstance(part, CodeType))

    @cache
    def _getter(place: int) -> object:
        """Reads a field; the same for all classes."""
        return _tuplegetter(place, f"Field number {place}")

    class NamedTuple(metaclass=_Named):
        """See `typing.NamedTuple`."""
