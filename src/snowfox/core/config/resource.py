"""What a configuration makes: a resource has a key, a frozen spec with a digest, and what it requires.

Two resources with the same key and the same digest are one: it is carried over as it is, the same object, descriptor
or process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeGuard, cast

from snowfox.core.config.digest import digest
from snowfox.core.frozen import Frozen
from snowfox.core.named import NamedTuple

_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes})


class ResourceKey(NamedTuple):
    """A kind and a name within it: `service shop.web`, `socket front`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Resource(Frozen):
    """Something that a configuration makes.

    Args:
        key: what it is called.
        spec: what it is to be like.
        requires: what must be there before it, and goes after it.
        was: the key that it had in the version before, where it was renamed.
    """

    key: ResourceKey
    spec: Frozen
    requires: tuple[ResourceKey, ...] = ()
    was: ResourceKey | None = None

    @property
    def digest(self) -> str:
        """64 hex digits of the spec."""
        return digest_of(self.spec)


def digest_of(value: object) -> str:
    """64 hex digits of a value of plain ones, `Frozen`s, tuples, lists and mappings.

    The same whatever the order of a mapping's keys; another when a value, its type or the order in a tuple differs.
    Raises TypeError for anything else, whose text might differ from run to run.
    """
    return digest((repr(_plain(value)).encode(),))


def _plain(value: Any) -> object:
    """Of tuples and plain values alone, whose text is always the same."""
    if type(value) in _PLAIN:  # of nearly all, and looked up faster than asked
        return value
    if isinstance(value, (tuple, list)):
        return ("items", *_all_plain(cast("Sequence[Any]", value)))
    if isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Frozen):
        names: tuple[str, ...] = value.__match_args__
        return (
            type(value).__name__,
            *zip(names, _all_plain([getattr(value, name) for name in names]), strict=True),
        )
    if _is_mapping(value):
        return ("keys", *((str(key), _plain(value[key])) for key in sorted(value, key=str)))
    msg = f"no digest of {type(value).__name__}"
    raise TypeError(msg)


def _all_plain(values: Sequence[Any]) -> Iterable[object]:
    """Each of them; nearly always they are plain, which is seen in one look."""
    if _PLAIN.issuperset(map(type, values)):
        return values
    return [one if type(one) in _PLAIN else _plain(one) for one in values]


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)
