"""MessagePack read into typed values; see `codec`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from snowfox.core.rpc.form import compiled, fields_of
from snowfox.core.rpc.interface import Argument, Descriptor
from snowfox.errors import ProtocolError

if TYPE_CHECKING:
    from snowfox.core.posix.api import Posix


class Incoming:
    """Descriptors of a message, handed to its fields in order.

    Args:
        numbers: what came with the message.
        posix: what closes them.
    """

    __slots__ = ("at", "items")

    def __init__(self, numbers: tuple[int, ...] = (), posix: Posix | None = None) -> None:
        self.items = [Descriptor(number, posix) for number in numbers]
        self.at = 0

    def take(self, index: int) -> Descriptor:
        """The next one, which must be the one that the message means."""
        at = self.at
        if index != at or at >= len(self.items):
            text = f"descriptor {index} where {at} of {len(self.items)} was next"
            raise ProtocolError(text)
        self.at = at + 1
        return self.items[at]

    def close(self) -> None:
        """Close all that were not taken out of their fields."""
        for item in self.items:
            item.close()


NO_DESCRIPTORS: Final = Incoming()
"""For messages without; shared, because it never changes."""

Get = Callable[[bytes, int, Incoming], tuple[Any, int]]
"""The value at an index, and the index behind it."""

Make = Callable[[tuple[Any, ...]], Any]

_NUMBERS: Final = {
    0xCC: struct.Struct(">B"),
    0xCD: struct.Struct(">H"),
    0xCE: struct.Struct(">I"),
    0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
    0xCA: struct.Struct(">f"),
    0xCB: struct.Struct(">d"),
}
_U16: Final = struct.Struct(">H")
_U32: Final = struct.Struct(">I")
_EXTENSION: Final = b"\xd4\x01"


def whole(get: Get, data: bytes, incoming: Incoming) -> Any:
    """Read with `get` and insist that all bytes and descriptors are used. Raises ProtocolError."""
    try:
        value, at = get(data, 0, incoming)
    except (IndexError, struct.error):
        text = "a message ends too early"
        raise ProtocolError(text) from None
    except UnicodeDecodeError:
        text = "a text is not UTF-8"
        raise ProtocolError(text) from None
    if at != len(data):
        text = f"{len(data) - at} bytes after the end of a message"
        raise ProtocolError(text)
    if incoming.at != len(incoming.items):
        text = "descriptors where none belong"
        raise ProtocolError(text)
    return value


def _wrong(kind: str, tag: int) -> ProtocolError:
    return ProtocolError(f"{kind} expected, not 0x{tag:02x}")


def _get_none(data: bytes, at: int, _: Incoming) -> tuple[Any, int]:
    if data[at] != 0xC0:
        raise _wrong("nil", data[at])
    return None, at + 1


def _get_bool(data: bytes, at: int, _: Incoming) -> tuple[Any, int]:
    tag = data[at]
    if tag not in (0xC2, 0xC3):
        raise _wrong("bool", tag)
    return tag == 0xC3, at + 1


def _get_int(data: bytes, at: int, _: Incoming) -> tuple[Any, int]:
    tag = data[at]
    if tag < 0x80:
        return tag, at + 1
    if tag >= 0xE0:
        return tag - 0x100, at + 1
    if not 0xCC <= tag <= 0xD3:
        raise _wrong("int", tag)
    number = _NUMBERS[tag]
    return number.unpack_from(data, at + 1)[0], at + 1 + number.size


def _get_float(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
    tag = data[at]
    if tag in (0xCA, 0xCB):
        number = _NUMBERS[tag]
        return number.unpack_from(data, at + 1)[0], at + 1 + number.size
    try:
        value, after = _get_int(data, at, incoming)
    except ProtocolError:
        raise _wrong("float", tag) from None
    return float(value), after


def _get_str(data: bytes, at: int, _: Incoming) -> tuple[Any, int]:
    tag = data[at]
    if 0xA0 <= tag < 0xC0:
        start = at + 1
        end = start + (tag & 0x1F)
    elif 0xD9 <= tag <= 0xDB:
        start, length = _length(data, at, tag - 0xD9)
        end = start + length
    else:
        raise _wrong("str", tag)
    if end > len(data):
        raise IndexError
    return data[start:end].decode(), end


def _get_bytes(data: bytes, at: int, _: Incoming) -> tuple[Any, int]:
    tag = data[at]
    if not 0xC4 <= tag <= 0xC6:
        raise _wrong("bytes", tag)
    start, length = _length(data, at, tag - 0xC4)
    if start + length > len(data):
        raise IndexError
    return data[start : start + length], start + length


def _get_descriptor(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
    if data[at] != 0xD4 or data[at + 1] != 1:
        raise _wrong("descriptor", data[at])
    return incoming.take(data[at + 2]), at + 3


def _length(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Where contents start, and the length that stands before them in 1, 2 or 4 bytes (size 0, 1, 2)."""
    if size == 0:
        return at + 2, data[at + 1]
    if size == 1:
        return at + 3, _U16.unpack_from(data, at + 1)[0]
    return at + 5, _U32.unpack_from(data, at + 1)[0]


def _count(data: bytes, at: int, small: int, large: int) -> tuple[int, int]:
    """(number of items, where the first one starts) of an array or map."""
    tag = data[at]
    if tag & 0xF0 == small:
        return tag & 0x0F, at + 1
    if tag not in (large, large + 1):
        raise _wrong("array" if small == 0x90 else "map", tag)
    start, count = _length(data, at, tag - large + 1)
    return count, start


def _list_reader(item: Any) -> Get:
    get = reader(item)

    def get_list(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
        count, at = _count(data, at, 0x90, 0xDC)
        out: list[Any] = []
        for _ in range(count):
            value, at = get(data, at, incoming)
            out.append(value)
        return out, at

    return get_list


def _dict_reader(item: Any) -> Get:
    get = reader(item)

    def get_dict(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
        count, at = _count(data, at, 0x80, 0xDE)
        out: dict[str, Any] = {}
        for _ in range(count):
            key, at = _get_str(data, at, incoming)
            out[key], at = get(data, at, incoming)
        return out, at

    return get_dict


def _optional_reader(item: Any) -> Get:
    get = reader(item)

    def get_optional(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
        if data[at] == 0xC0:
            return None, at + 1
        return get(data, at, incoming)

    return get_optional


def fields_reader(fields: tuple[Argument, ...], make: Make) -> Get:
    """Reads an array into `make(values)`, with defaults for last ones that are missing; skips further ones."""
    gets = tuple(reader(field.type) for field in fields)
    needed = sum(not field.has_default for field in fields)
    defaults = tuple(field.default for field in fields)

    def get_fields(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
        count, at = _count(data, at, 0x90, 0xDC)
        if count < needed:
            text = f"{count} fields where {needed} are needed"
            raise ProtocolError(text)
        values: list[Any] = []
        for get in gets[:count]:
            value, at = get(data, at, incoming)
            values.append(value)
        if count < len(gets):
            values.extend(defaults[count:])
        elif count > len(gets):
            at = _skip(data, at, count - len(gets), incoming)
        return make(tuple(values)), at

    return get_fields


def _struct_reader(kind: Any) -> Get:
    return fields_reader(fields_of(kind), kind._make)


_READERS: Final[dict[Any, Get]] = {
    NoneType: _get_none,
    None: _get_none,
    bool: _get_bool,
    int: _get_int,
    float: _get_float,
    str: _get_str,
    bytes: _get_bytes,
    Descriptor: _get_descriptor,
}


@cache
def reader(kind: Any) -> Get:
    """What reads values of a type; it raises ProtocolError, IndexError, struct.error and UnicodeDecodeError.

    Raises TypeError for a type without form.
    """
    return _READERS[kind] if kind in _READERS else compiled(kind, _Reading())


class _Reading:
    def of_list(self, item: Any) -> Get:
        return _list_reader(item)

    def of_dict(self, item: Any) -> Get:
        return _dict_reader(item)

    def of_optional(self, item: Any) -> Get:
        return _optional_reader(item)

    def of_struct(self, kind: Any) -> Get:
        return _struct_reader(kind)


_FIXED: Final = {0xC0: 0, 0xC2: 0, 0xC3: 0, **{tag: number.size for tag, number in _NUMBERS.items()}}
_SIZED: Final = {0xC4: 0, 0xC5: 1, 0xC6: 2, 0xD9: 0, 0xDA: 1, 0xDB: 2}
_NESTED: Final = {0xDC: (1, 1), 0xDD: (2, 1), 0xDE: (1, 2), 0xDF: (2, 2)}


def _skip(data: bytes, at: int, count: int, incoming: Incoming) -> int:
    """The index behind `count` values; descriptors among them are closed. Each takes a byte or more: it ends."""
    while count:
        count -= 1
        tag = data[at]
        if tag < 0x80 or tag >= 0xE0:
            at += 1
        elif tag < 0x90:
            count += 2 * (tag & 0x0F)
            at += 1
        elif tag < 0xA0:
            count += tag & 0x0F
            at += 1
        elif tag < 0xC0:
            at += 1 + (tag & 0x1F)
        elif tag in _NESTED:
            size, each = _NESTED[tag]
            at, inner = _length(data, at, size)
            count += each * inner
        else:
            at = _skip_one(data, at, tag, incoming)
        if at > len(data):
            raise IndexError
    return at


def _skip_one(data: bytes, at: int, tag: int, incoming: Incoming) -> int:
    if tag in _FIXED:
        return at + 1 + _FIXED[tag]
    if tag in _SIZED:
        start, length = _length(data, at, _SIZED[tag])
        return start + length
    descriptor, at = _get_descriptor(data, at, incoming)
    descriptor.close()
    return at
