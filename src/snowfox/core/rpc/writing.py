"""MessagePack written from typed values; see `codec`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import Any, Final

from snowfox.core.rpc.form import compiled, fields_of
from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import InternalError

Put = Callable[[Any, bytearray, list[Descriptor]], None]
"""Appends a value to the bytes and its descriptors to the list."""

_DOUBLE: Final = struct.Struct(">Bd").pack
_U16: Final = struct.Struct(">H")
_U32: Final = struct.Struct(">I")
_TAGGED_8: Final = struct.Struct(">BB").pack
_TAGGED_16: Final = struct.Struct(">BH").pack
_TAGGED_32: Final = struct.Struct(">BI").pack
_TAGGED_64: Final = struct.Struct(">BQ").pack
_SIGNED: Final = (
    (-0x80, 0xD0, struct.Struct(">b")),
    (-0x8000, 0xD1, struct.Struct(">h")),
    (-0x80000000, 0xD2, struct.Struct(">i")),
    (-0x8000000000000000, 0xD3, struct.Struct(">q")),
)
_EXTENSION: Final = b"\xd4\x01"


def _unfit(kind: str, value: object) -> InternalError:
    return InternalError(f"cannot send {type(value).__name__} as {kind}")


def _put_none(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if value is not None:
        raise _unfit("None", value)
    out.append(0xC0)


def _put_bool(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if value is True:
        out.append(0xC3)
    elif value is False:
        out.append(0xC2)
    else:
        raise _unfit("bool", value)


def _put_int(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if type(value) is not int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _unfit("int", value)
        value = int(value)
    if -32 <= value <= 0x7F:
        out.append(value & 0xFF)
    elif value > 0:
        if value <= 0xFFFF:
            out += _TAGGED_8(0xCC, value) if value <= 0xFF else _TAGGED_16(0xCD, value)
        elif value <= 0xFFFFFFFF:
            out += _TAGGED_32(0xCE, value)
        elif value <= 0xFFFFFFFFFFFFFFFF:
            out += _TAGGED_64(0xCF, value)
        else:
            raise _too_wide(value)
    else:
        _put_negative(value, out)


def _put_negative(value: int, out: bytearray) -> None:
    for least, tag, form in _SIGNED:
        if value >= least:
            out.append(tag)
            out += form.pack(value)
            return
    raise _too_wide(value)


def _too_wide(value: int) -> InternalError:
    return InternalError(f"{value} does not fit into 64 bits")


def _put_float(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        raise _unfit("float", value)
    out += _DOUBLE(0xCB, value)


def _put_str(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if not isinstance(value, str):
        raise _unfit("str", value)
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        text = f"{value!r} is not UTF-8"
        raise InternalError(text) from None
    length = len(raw)
    if length < 32:
        out.append(0xA0 | length)
    else:
        _put_length(out, length, (0xD9, 0xDA, 0xDB))
    out += raw


def _put_bytes(value: Any, out: bytearray, _: list[Descriptor]) -> None:
    if not isinstance(value, (bytes, bytearray)):
        raise _unfit("bytes", value)
    _put_length(out, len(value), (0xC4, 0xC5, 0xC6))
    out += value


def _put_descriptor(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
    if not isinstance(value, Descriptor):
        raise _unfit("Descriptor", value)
    if value.number < 0:
        text = "cannot send a descriptor that was taken or closed"
        raise InternalError(text)
    out += _EXTENSION
    out.append(len(descriptors) & 0xFF)
    descriptors.append(value)


def _put_length(out: bytearray, length: int, tags: tuple[int, int, int]) -> None:
    if length <= 0xFF and tags[0]:
        out.append(tags[0])
        out.append(length)
    elif length <= 0xFFFF:
        out.append(tags[1])
        out += _U16.pack(length)
    else:
        out.append(tags[2])
        out += _U32.pack(length)


def _put_count(out: bytearray, count: int, small: int, tags: tuple[int, int, int]) -> None:
    if count < 16:
        out.append(small | count)
    else:
        _put_length(out, count, tags)


def _list_writer(item: Any) -> Put:
    put = writer(item)

    def put_list(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
        if not isinstance(value, (list, tuple)):
            raise _unfit("list", value)  # pyright: ignore[reportUnknownArgumentType]
        _put_count(out, len(value), 0x90, (0, 0xDC, 0xDD))  # pyright: ignore[reportUnknownArgumentType]
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            put(one, out, descriptors)

    return put_list


def _dict_writer(item: Any) -> Put:
    put = writer(item)

    def put_dict(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
        if not isinstance(value, dict):
            raise _unfit("dict", value)
        _put_count(out, len(value), 0x80, (0, 0xDE, 0xDF))  # pyright: ignore[reportUnknownArgumentType]
        for key, one in value.items():  # pyright: ignore[reportUnknownVariableType]
            _put_str(key, out, descriptors)
            put(one, out, descriptors)

    return put_dict


def _optional_writer(item: Any) -> Put:
    put = writer(item)

    def put_optional(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
        if value is None:
            out.append(0xC0)
        else:
            put(value, out, descriptors)

    return put_optional


def fields_writer(name: str, kinds: tuple[Any, ...]) -> Put:
    """Writes a tuple of values of these types as an array."""
    puts = tuple(writer(kind) for kind in kinds)
    head = bytearray()
    _put_count(head, len(puts), 0x90, (0, 0xDC, 0xDD))

    def put_fields(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
        if not isinstance(value, tuple) or len(value) != len(puts):  # pyright: ignore[reportUnknownArgumentType]
            raise _unfit(name, value)  # pyright: ignore[reportUnknownArgumentType]
        out += head
        for put, one in zip(puts, value, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            put(one, out, descriptors)

    return put_fields


def _struct_writer(kind: Any) -> Put:
    put = fields_writer(kind.__name__, tuple(field.type for field in fields_of(kind)))

    def put_struct(value: Any, out: bytearray, descriptors: list[Descriptor]) -> None:
        if not isinstance(value, kind):
            raise _unfit(kind.__name__, value)
        put(value, out, descriptors)

    return put_struct


_WRITERS: Final[dict[Any, Put]] = {
    NoneType: _put_none,
    None: _put_none,
    bool: _put_bool,
    int: _put_int,
    float: _put_float,
    str: _put_str,
    bytes: _put_bytes,
    Descriptor: _put_descriptor,
}


@cache
def writer(kind: Any) -> Put:
    """What writes values of a type; it raises InternalError for others. Raises TypeError for a type without form."""
    return _WRITERS[kind] if kind in _WRITERS else compiled(kind, _Writing())


class _Writing:
    def of_list(self, item: Any) -> Put:
        return _list_writer(item)

    def of_dict(self, item: Any) -> Put:
        return _dict_writer(item)

    def of_optional(self, item: Any) -> Put:
        return _optional_writer(item)

    def of_struct(self, kind: Any) -> Put:
        return _struct_writer(kind)
