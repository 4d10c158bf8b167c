"""A small strict MessagePack codec for typed messages, in the standard library.

Types: str, int, float, bool, bytes, None, `list[T]`, `dict[str, T]`, NamedTuple classes, `T | None`, `Descriptor`.
A NamedTuple is an array; last fields that are missing take their defaults, further ones that we do not know are
skipped. A descriptor is extension 1, whose one byte counts those of the message. One closure per type is compiled
once and kept.

It exists because msgspec costs 32 ms of import and 4 MB, which daemon, spawner and the command line do not pay;
`fast` reads and writes the same bytes with it, and a property test holds them together. Against hostile input: depth
is that of the types, skipping does not recurse, nothing is allocated by an announced length.

Format: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from typing import Any

from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming, reader, whole
from snowfox.core.rpc.writing import writer


def encode(kind: Any, value: object) -> tuple[bytes, list[Descriptor]]:
    """The bytes of a value of this type, and its descriptors.

    Raises InternalError when the value is not of the type.
    """
    out = bytearray()
    descriptors: list[Descriptor] = []
    writer(kind)(value, out, descriptors)
    return bytes(out), descriptors


def decode(kind: Any, data: bytes, incoming: Incoming = NO_DESCRIPTORS) -> Any:
    """The value of these bytes. Raises ProtocolError for anything else than exactly one value of this type."""
    return whole(reader(kind), data, incoming)
