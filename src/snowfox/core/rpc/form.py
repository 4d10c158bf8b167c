"""Types that can travel, taken apart: fields of a struct, items of a list or dict, what may be None."""

from __future__ import annotations

from functools import cache
from sys import modules
from types import NoneType, UnionType
from typing import Any, Final, Protocol, TypeVar, Union, get_args, get_origin

from snowfox.core.rpc.annotation import type_of
from snowfox.core.rpc.interface import Argument, Descriptor, Interface
from snowfox.errors import InternalError

T_co = TypeVar("T_co", covariant=True)

PLAIN: Final = {
    NoneType: "none",
    None: "none",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    Descriptor: "descriptor",
}
"""Types that are taken apart no further, and what they are called."""


class Maker(Protocol[T_co]):
    """Makes a reader or writer of each composed type."""

    def of_list(self, item: Any) -> T_co:
        """For `list[item]`."""
        ...

    def of_dict(self, item: Any) -> T_co:
        """For `dict[str, item]`."""
        ...

    def of_optional(self, item: Any) -> T_co:
        """For `item | None`."""
        ...

    def of_struct(self, kind: Any) -> T_co:
        """For a NamedTuple class."""
        ...


@cache
def fields_of(kind: Any) -> tuple[Argument, ...]:
    """The fields of a NamedTuple class, in order, with their types and defaults."""
    defaults: dict[str, Any] = kind._field_defaults
    names = getattr(modules.get(kind.__module__), "__dict__", {})
    return tuple(
        Argument(name, type_of(kind.__annotations__[name], names), name in defaults, defaults.get(name))
        for name in kind._fields
    )


def compiled(kind: Any, maker: Maker[T_co]) -> T_co:
    """What `maker` makes of a composed type. Raises TypeError for a type without form."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is list:
        return maker.of_list(inner[0])
    if origin is dict and inner[0] is str:
        return maker.of_dict(inner[1])
    if origin in {UnionType, Union} and len(inner) == 2 and NoneType in inner:
        return maker.of_optional(inner[0] if inner[1] is NoneType else inner[1])
    if getattr(kind, "_field_defaults", None) is not None:
        return maker.of_struct(kind)
    msg = f"{kind!r} cannot travel: messages have str, int, float, bool, bytes, None, list, dict, NamedTuple, Descriptor"
    raise TypeError(msg)


class _Checking:
    """Looks at each type once."""

    def __init__(self) -> None:
        self._known: set[Any] = set(PLAIN)

    def of(self, item: Any) -> None:
        if item not in self._known:
            self._known.add(item)
            compiled(item, self)

    def of_struct(self, kind: Any) -> None:
        for field in fields_of(kind):
            self.of(field.type)

    of_list = of_dict = of_optional = of


def check(interface: type[Interface]) -> None:
    """Raises InternalError for a method with a type that cannot travel, or with a name that means nothing at run time."""
    checking = _Checking()
    for method in interface.methods.values():
        try:
            for argument in method.arguments:
                checking.of(argument.type)
            checking.of(method.result)
        except (NameError, TypeError) as error:
            raise InternalError(f"{method.full_name} cannot be served: {error}") from error


@cache
def passes_descriptors(interface: Any) -> bool:
    """Whether a method of it may send descriptors, either way."""
    return any(
        has_descriptors(kind)
        for method in interface.methods.values()
        for kind in [*(argument.type for argument in method.arguments), method.result]
    )


@cache
def has_descriptors(kind: Any) -> bool:
    """Whether a value of this type may hold descriptors."""
    if kind is Descriptor:
        return True
    fields: tuple[Any, ...] = getattr(kind, "_fields", ())
    return any(
        has_descriptors(part)
        for part in ([one.type for one in fields_of(kind)] if fields else get_args(kind))
    )
