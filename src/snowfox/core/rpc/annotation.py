"""Annotations as types. Each text is read once in each module.

Interfaces and messages name the same few types again and again, and `typing.get_type_hints` compiles each place anew,
which for a manager's 27 methods takes six times as long.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any, ForwardRef, get_type_hints


class _Module:
    """What names mean in a module. Equal when it is the same dictionary, which it keeps."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def __hash__(self) -> int:
        return id(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Module) and other.names is self.names


def type_of(annotation: Any, names: dict[str, Any]) -> Any:
    """The type that an annotation means where these are the names of its module. Raises NameError for one that is not there."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _read(annotation, _Module(names))
    return annotation if isinstance(annotation, type) else _hinted(annotation, names)


@cache
def _read(text: str, module: _Module) -> Any:
    return _hinted(text, module.names)


def _hinted(annotation: Any, names: dict[str, Any]) -> Any:
    return get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), names)["it"]
