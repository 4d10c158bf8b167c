"""What the bodies of frames mean: greeting, definition, failure, and the arguments and results of methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from snowfox.core.named import NamedTuple
from snowfox.core.rpc.codec import decode, encode
from snowfox.core.rpc.digest import digest
from snowfox.core.rpc.frame import LIMIT
from snowfox.core.rpc.interface import Descriptor, Method
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Get, Incoming, fields_reader, reader, whole
from snowfox.core.rpc.writing import Put, fields_writer, writer
from snowfox.core.trace import Trace
from snowfox.errors import InternalError, Plain, ProtocolError, RemoteError, SnowFoxError, by_name

VERSION: Final = 1
"""Of the protocol. Ends of different versions do not talk."""

LONGEST_ID: Final = 64
"""Characters of a trace's ids."""

LONGEST_TEXT: Final = 1000
"""Characters that are left of each text of a failure that is too large."""

MOST_TEXTS: Final = 20
"""Texts that are left of each list of one."""


class Hello(NamedTuple):
    """The first frame of both: version of the protocol, who it is, how many requests it takes at once."""

    version: int
    name: str
    most_requests: int


class Definition(NamedTuple):
    """A method that its sender is about to call: `Manager.status`, and its digest."""

    name: str
    digest: bytes


class Failure(NamedTuple):
    """An error of the tree: class name, and its fields as one of three kinds each."""

    kind: str
    texts: list[str | None]
    numbers: dict[str, int]
    lists: dict[str, list[str]]


Written = tuple[bytes, Sequence[Descriptor]]
"""Bytes, and the descriptors that go with them."""


class Wire(ABC):
    """How a method's arguments and result are written and read. Implementations: `SmallWire`, `fast.FastWire`.

    What writes raises InternalError for values of other types, what reads raises ProtocolError.
    """

    @abstractmethod
    def write_arguments(self, values: tuple[Any, ...]) -> Written:
        """All arguments in order. The descriptors stay their owner's until they are sent."""

    @abstractmethod
    def read_arguments(self, body: bytes, incoming: Incoming) -> tuple[Any, ...]:
        """All arguments, defaults filled in."""

    @abstractmethod
    def write_result(self, value: object) -> Written:
        """A result, or an item of a stream."""

    @abstractmethod
    def read_result(self, body: bytes, incoming: Incoming) -> Any:
        """A result, or an item of a stream."""


Wires = Callable[[Method[Any, Any]], Wire]
"""Gives the wire of a method."""


class SmallWire(Wire):
    """With the standard library."""

    __slots__ = ("_get_arguments", "_get_result", "_put_arguments", "_put_result")

    def __init__(self, method: Method[Any, Any]) -> None:
        kinds = tuple(argument.type for argument in method.arguments)
        self._put_arguments: Put = fields_writer(method.full_name, kinds)
        self._get_arguments: Get = fields_reader(method.arguments, tuple)
        self._put_result: Put = writer(method.result)
        self._get_result: Get = reader(method.result)

    def write_arguments(self, values: tuple[Any, ...]) -> Written:  # noqa: D102
        out = bytearray()
        descriptors: list[Descriptor] = []
        self._put_arguments(values, out, descriptors)
        return bytes(out), descriptors

    def read_arguments(self, body: bytes, incoming: Incoming) -> tuple[Any, ...]:  # noqa: D102
        values: tuple[Any, ...] = whole(self._get_arguments, body, incoming)
        return values

    def write_result(self, value: object) -> Written:  # noqa: D102
        out = bytearray()
        descriptors: list[Descriptor] = []
        self._put_result(value, out, descriptors)
        return bytes(out), descriptors

    def read_result(self, body: bytes, incoming: Incoming) -> Any:  # noqa: D102
        return whole(self._get_result, body, incoming)


@cache
def small(method: Method[Any, Any]) -> Wire:
    """The wire of a method, compiled at its first use."""
    return SmallWire(method)


def hello(name: str, most_requests: int) -> bytes:
    """The body of a HELLO."""
    return encode(Hello, Hello(VERSION, name, most_requests))[0]


def read_hello(body: bytes) -> Hello:
    """Raises ProtocolError for another version."""
    greeting: Hello = decode(Hello, body)
    if greeting.version != VERSION:
        raise ProtocolError(f"the other end speaks version {greeting.version} of the protocol, not {VERSION}")
    return greeting


def definition(method: Method[Any, Any]) -> bytes:
    """The body of a DEFINE."""
    return encode(Definition, Definition(method.full_name, digest(method)))[0]


def read_definition(body: bytes) -> Definition:
    """Raises ProtocolError."""
    found: Definition = decode(Definition, body)
    return found


def failure(error: SnowFoxError) -> bytes:
    """The body of a FAILURE or GOODBYE: an error travels by the name of its class and its fields.

    There is one for each error, because nothing could tell of that which has none: texts that are too long, as when they
    name what a caller sent, are cut, and what is not UTF-8 is written as escapes.
    """
    fields = error.fields()
    try:
        body = _failure(error, fields)
    except InternalError:
        body = b""
    if not body or len(body) > LIMIT:
        body = _failure(error, [_shown(field) for field in fields])
    return body


def _failure(error: SnowFoxError, fields: list[Plain]) -> bytes:
    texts: list[str | None] = []
    numbers: dict[str, int] = {}
    lists: dict[str, list[str]] = {}
    for index, field in enumerate(fields):
        texts.append(field if isinstance(field, str) else None)
        if isinstance(field, list):
            lists[str(index)] = field
        elif isinstance(field, int):
            numbers[str(index)] = field
    return encode(Failure, Failure(type(error).__name__, texts, numbers, lists))[0]


def _shown(field: Plain) -> Plain:
    match field:
        case str():
            return field[:LONGEST_TEXT].encode(errors="backslashreplace").decode()
        case list():
            return [
                one[:LONGEST_TEXT].encode(errors="backslashreplace").decode() for one in field[:MOST_TEXTS]
            ]
        case int():
            return max(-(1 << 63), min(field, (1 << 63) - 1))
        case None:
            return None


def read_failure(body: bytes) -> SnowFoxError:
    """The error itself; RemoteError when its class is not known here. Raises ProtocolError."""
    found: Failure = decode(Failure, body)
    fields: list[Any] = list(found.texts)
    for index in range(len(fields)):
        fields[index] = found.numbers.get(str(index), found.lists.get(str(index), fields[index]))
    kind = by_name(found.kind)
    if kind is None or len(fields) > len(kind.FIELDS):
        text = next((text for text in found.texts if text), "it failed")
        return RemoteError(text, None, found.kind)
    if not all(map(_fits, map(_annotations(kind).get, kind.FIELDS), fields)):
        raise ProtocolError(f"a failure of kind {found.kind[:100]} with fields of other types")
    return kind(*fields)


def _annotations(kind: type[SnowFoxError]) -> dict[str, str]:
    """The types of an error's fields, as they are written."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        found.update(vars(one).get("__annotations__", {}))
    return found


def _fits(annotation: str | None, field: object) -> bool:
    """Whether it can be the field: whoever shows the error relies on that. A missing field is None."""
    match field:
        case None:
            return True
        case str():
            return annotation in {"str", "str | None"}
        case int():
            return annotation == "int"
        case _:
            return annotation == "list[str]"


class Keyed(NamedTuple):
    """What stands before the arguments of a KEYED call: its trace, empty where it has none, and its key."""

    id: str
    cause: str
    key: str


def keyed(place: Trace | None, key: str) -> bytes:
    """What stands before the arguments of a KEYED call."""
    return encode(Keyed, Keyed(place.id if place else "", place.cause if place else "", key))[0]


def read_keyed(body: bytes) -> tuple[Trace | None, str, bytes]:
    """The trace, the key, and the arguments behind them. Raises ProtocolError."""
    found, rest = _head(Keyed, body)
    if max(len(found.id), len(found.cause), len(found.key)) > LONGEST_ID:
        raise ProtocolError("a trace's id or a key is too long")
    return Trace(found.id, found.cause) if found.id else None, found.key, rest


def trace(place: Trace) -> bytes:
    """What stands before the arguments of a TRACED call."""
    return encode(Trace, place)[0]


def read_trace(body: bytes) -> tuple[Trace, bytes]:
    """The trace, and the arguments behind it. Raises ProtocolError."""
    found, rest = _head(Trace, body)
    if len(found.id) > LONGEST_ID or len(found.cause) > LONGEST_ID:
        raise ProtocolError("a trace's id is too long")
    return found, rest


def _head(kind: Any, body: bytes) -> tuple[Any, bytes]:
    """A value at the front of a body, and the rest."""
    ends: list[int] = []

    def get(data: bytes, at: int, incoming: Incoming) -> tuple[Any, int]:
        value, end = reader(kind)(data, at, incoming)
        ends.append(end)
        return value, len(data)

    found = whole(get, body, NO_DESCRIPTORS)
    return found, body[ends[0] :]
