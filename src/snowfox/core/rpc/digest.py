"""The digest by which both ends of a method tell whether they mean the same.

It is 8 bytes for all that is required, then for each NamedTuple with optional (defaulted) fields: two bytes of its
name, their number, and two bytes for each. Two digests fit when the first 8 bytes are equal and, of each class that
both know, one's optional fields begin the other's: so an optional last field may be added, and nothing else changed.
FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) is enough against mistakes and needs no OpenSSL in the spawner.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from snowfox.core.rpc.form import PLAIN, compiled, fields_of
from snowfox.core.rpc.interface import Argument, Method
from snowfox.errors import ProtocolError

_REQUIRED: Final = 8


@cache
def digest(method: Method[Any, Any]) -> bytes:
    """The digest of arguments and result. Raises TypeError for a type that messages may not have."""
    describing = _Describing()
    required = describing.of_fields("", method.arguments)
    required += "*" if method.is_stream else "->"
    required += describing.of(method.result)
    out = _hash(required, _REQUIRED)
    for name in sorted(describing.optional):
        fields = describing.optional[name]
        if fields:
            out += _hash(name, 2) + bytes((len(fields),)) + b"".join(_hash(field, 2) for field in fields)
    return out


def fit(ours: bytes, theirs: bytes) -> bool:
    """Whether both ends of a method understand each other. Raises ProtocolError for what is no digest."""
    if ours == theirs:
        return True
    left, right = _chains(ours), _chains(theirs)
    if ours[:_REQUIRED] != theirs[:_REQUIRED]:
        return False
    for name in left.keys() & right.keys():
        shorter, longer = sorted((left[name], right[name]), key=len)
        if not longer.startswith(shorter):
            return False
    return True


def _chains(packed: bytes) -> dict[bytes, bytes]:
    chains: dict[bytes, bytes] = {}
    at = _REQUIRED
    while at + 3 <= len(packed):
        end = at + 3 + 2 * packed[at + 2]
        chains[packed[at : at + 2]] = packed[at + 3 : end]
        at = end
    if at != len(packed):
        raise ProtocolError("a method's digest is malformed")
    return chains


class _Describing:
    """Types as text, without what is optional, which is collected by class."""

    def __init__(self) -> None:
        self.optional: dict[str, list[str]] = {}

    def of(self, kind: Any) -> str:
        return PLAIN[kind] if kind in PLAIN else compiled(kind, self)

    def of_list(self, item: Any) -> str:
        return f"[{self.of(item)}]"

    def of_dict(self, item: Any) -> str:
        return f"{{{self.of(item)}}}"

    def of_optional(self, item: Any) -> str:
        return f"{self.of(item)}?"

    def of_struct(self, kind: Any) -> str:
        return f"{kind.__name__}{self.of_fields(kind.__name__, fields_of(kind))}"

    def of_fields(self, name: str, fields: tuple[Argument, ...]) -> str:
        required = ",".join(f"{one.name}:{self.of(one.type)}" for one in fields if not one.has_default)
        if name not in self.optional:
            self.optional[name] = []
            self.optional[name] = [f"{one.name}:{self.of(one.type)}" for one in fields if one.has_default]
        return f"({required})"


def _hash(text: str, size: int) -> bytes:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (value ^ value >> 32).to_bytes(8, "big")[-size:]
