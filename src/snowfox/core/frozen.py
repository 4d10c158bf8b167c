"""Frozen values with slots, compared by type and fields.

`NamedTuple`s of different types with equal fields are equal, which a decision core must not suffer for its events
and effects; dataclasses cost 18 ms of import, which daemon and spawner do not pay. This is the part of both that we
need: annotations in order become slots and arguments, defaults are class values.

```python
class Signal(Frozen):
    token: str
    number: int = 15
```
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, ClassVar, Self, dataclass_transform

_MISSING: Any = object()


def annotations_of(namespace: dict[str, Any]) -> dict[str, Any]:
    """Those of a class body: a dictionary, from Python 3.14 on a function unless they are strings (PEP 749)."""
    evaluate = namespace.get("__annotate_func__")
    found: dict[str, Any] = namespace.get("__annotations__", {}) if evaluate is None else evaluate(1)
    return found


@dataclass_transform(frozen_default=True, eq_default=True)
class _FrozenType(type):
    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> _FrozenType:
        fields: dict[str, Any] = {}
        for base in reversed(bases):
            fields.update(getattr(base, "_defaults", {}))
        own: list[str] = []
        annotations = annotations_of(namespace)
        for field, kind in annotations.items():
            if str(kind).startswith(("ClassVar", "typing.ClassVar")):
                continue
            if field not in fields:
                own.append(field)
            fields[field] = namespace.pop(field, _MISSING)
        hidden = next((field for field in fields if field in namespace), None)
        if hidden is not None:
            msg = f"{hidden} of {name} needs an annotation to be the field's default"
            raise TypeError(msg)
        namespace["__slots__"] = tuple(own)
        namespace["_defaults"] = fields
        namespace["_values"] = attrgetter(*(fields or ("__class__",)))
        namespace["_names"] = namespace["__match_args__"] = tuple(fields)
        made: Any = super().__new__(mcs, name, bases, namespace, **keywords)
        made.__init__ = _init(made, fields)
        return made  # type: ignore[no-any-return]


def _init(kind: type[Any], fields: dict[str, Any]) -> FunctionType:
    """`__init__` with the fields as its arguments. Raises TypeError for one without a default behind one with."""
    defaults = tuple(value for value in fields.values() if value is not _MISSING)
    late = next(
        (name for name in list(fields)[len(fields) - len(defaults) :] if fields[name] is _MISSING), None
    )
    if late is not None:
        msg = f"{late} of {kind.__name__} needs a default: a field before it has one"
        raise TypeError(msg)
    # A slot's own setter does not look its name up again, as object.__setattr__ does for each field.
    setters = {f"put{place}": getattr(kind, field).__set__ for place, field in enumerate(fields)}
    code = _init_code(len(fields)).replace(
        co_varnames=("self", *fields), co_qualname=f"{kind.__qualname__}.__init__"
    )
    return FunctionType(code, setters, "__init__", defaults)


@cache
def _init_code(count: int) -> CodeType:
    """Sets `count` fields one after another: half as long as a loop over them.

    Compiled once per number, the names put in for each class: compiling for each, as NamedTuple does, takes 60 us.
    """
    arguments = "".join(f", value{place}" for place in range(count))
    body = "; ".join(f"put{place}(self, value{place})" for place in range(count)) or "pass"
    module = compile(f"def __init__(self{arguments}): {body}", __file__, "exec")
    return next(part for part in module.co_consts if isinstance(part, CodeType))


class Frozen(metaclass=_FrozenType):
    """A value: its fields are the annotations, inherited ones first.

    Equal to another of the same class with equal fields; hashable where its fields are.
    """

    _defaults: ClassVar[dict[str, Any]]
    _names: ClassVar[tuple[str, ...]]
    _values: ClassVar[Any]

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        values = self._values
        return self is other or values(self) == values(other)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self._names)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
        return f"{type(self).__name__}({inside})"

    def replace(self, **changes: Any) -> Self:
        """The same value with some fields changed. Raises TypeError for a field it has not."""
        values = [changes.pop(name, getattr(self, name)) for name in self._names]
        return type(self)(*values, **changes)

    @classmethod
    def required(cls) -> frozenset[str]:
        """Names of the fields without a default."""
        return frozenset(name for name, value in cls._defaults.items() if value is _MISSING)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, name) for name in self._names)
