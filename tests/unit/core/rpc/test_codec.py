"""The small codec writes and reads what msgspec does, and refuses what is malformed."""

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.rpc.codec import decode, encode
from snowfox.core.rpc.fast import FastWire, fast
from snowfox.core.rpc.interface import Descriptor, Interface, call
from snowfox.core.rpc.message import SmallWire, small
from snowfox.core.rpc.reading import NO_DESCRIPTORS, Incoming
from snowfox.errors import InternalError, ProtocolError


class Inner(NamedTuple):
    name: str
    size: int | None = None
    data: bytes = b""


class Outer(NamedTuple):
    flag: bool
    ratio: float
    inner: Inner
    many: list[Inner]
    named: dict[str, list[int]]
    maybe: Inner | None = None
    nothing: None = None


class Older(NamedTuple):
    flag: bool
    ratio: float
    inner: Inner


class Holder(NamedTuple):
    one: Descriptor
    many: list[Descriptor]
    none: Descriptor | None = None


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["x" * 31, "x" * 32, "y" * 256, "z" * 70_000]
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.sampled_from(
    [
        sign * 2**power + shift
        for sign in (1, -1)
        for power in (5, 7, 8, 15, 16, 31, 32, 62)
        for shift in (-1, 0, 1)
    ]
)
BYTES = st.binary(max_size=40) | st.sampled_from([b"a" * 255, b"b" * 256, b"c" * 70_000])
INNER = st.builds(Inner, TEXTS, st.none() | NUMBERS, BYTES)
OUTER = st.builds(
    Outer,
    st.booleans(),
    st.floats(allow_nan=False),
    INNER,
    st.lists(INNER, max_size=20),
    st.dictionaries(TEXTS, st.lists(NUMBERS, max_size=20), max_size=20),
    st.none() | INNER,
    st.none(),
)


@given(OUTER)
def test_same_bytes_as_msgspec(value):
    """A value is written to the bytes that msgspec writes, and read back as it was."""
    data, descriptors = encode(Outer, value)
    assert data == msgspec.msgpack.encode(value)
    assert descriptors == []
    assert decode(Outer, data) == value
    assert msgspec.msgpack.decode(data, type=Outer) == value


@given(OUTER, st.data())
def test_same_verdict_as_msgspec_on_changed_bytes(value, data):
    """Whatever msgspec reads from changed bytes, the small codec reads alike; what it refuses ends in ProtocolError."""
    raw = bytearray(encode(Outer, value)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    changed = bytes(raw[: data.draw(st.integers(0, len(raw)))]) if data.draw(st.booleans()) else bytes(raw)
    try:
        ours = decode(Outer, changed)
    except ProtocolError:
        ours = None
    try:
        theirs = msgspec.msgpack.decode(changed, type=Outer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    assert repr(ours) == repr(theirs)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    """No bytes at all raise anything but ProtocolError."""
    try:
        decode(Outer, data)
    except ProtocolError:
        return


@given(OUTER)
def test_truncated_is_refused(value):
    """Every proper beginning of a message is refused."""
    data, _ = encode(Outer, value)
    for size in {0, 1, len(data) // 3, len(data) // 2, len(data) - 1}:
        with pytest.raises(ProtocolError):
            decode(Outer, data[:size])


def test_missing_last_fields_take_defaults():
    """A message of an older peer, without our last fields, is read with their defaults."""
    data, _ = encode(Older, Older(True, 0.5, Inner("x")))
    assert decode(Outer | None, data[:0] + b"\x95" + data[1:] + b"\x90\x80") == Outer(
        True, 0.5, Inner("x"), [], {}
    )
    assert decode(Inner, b"\x91\xa1x") == Inner("x")


def test_missing_needed_field_is_refused():
    """A message without a field that has no default is refused."""
    with pytest.raises(ProtocolError, match="0 fields where 1"):
        decode(Inner, b"\x90")


@given(OUTER)
def test_further_fields_are_skipped(value):
    """What a newer peer added behind our fields is skipped, whatever it is."""
    data, _ = encode(Outer, value)
    assert decode(Older, data) == Older(value.flag, value.ratio, value.inner)


def test_skipping_is_bounded_by_the_bytes():
    """A skipped array that announces four milliards of items ends with the bytes, at once."""
    with pytest.raises(ProtocolError, match="too early"):
        decode(Inner, b"\x94\xa1x\xc0\xc4\x00\xdd\xff\xff\xff\xff\xc0")


def test_announced_length_allocates_nothing():
    """A list that announces four milliards of items and has none is refused."""
    with pytest.raises(ProtocolError, match="too early"):
        decode(list[int], b"\xdd\xff\xff\xff\xff")


def test_nested_deeply_is_skipped_without_recursion():
    """A skipped value nested 100,000 deep overflows no stack."""
    assert decode(Inner, b"\x94\xa1x\xc0\xc4\x00" + b"\x91" * 100_000 + b"\xc0") == Inner("x")


def test_bytes_behind_are_refused():
    """A message must end where its value ends."""
    with pytest.raises(ProtocolError, match="1 bytes after"):
        decode(int, b"\x01\x02")


def test_extension_of_others_is_refused():
    """MessagePack's timestamps and extensions are no values here, not even skipped ones."""
    for data in (b"\xd6\xff\x00\x00\x00\x00", b"\xc1", b"\xc7\x01\x05a"):
        with pytest.raises(ProtocolError):
            decode(Inner, b"\x94\xa1x\xc0\xc4\x00" + data)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, True),
        (int, "1"),
        (int, 2**64),
        (int, -(2**63) - 1),
        (bool, 1),
        (str, b"x"),
        (str, "\udcff"),
        (bytes, "x"),
        (float, "1"),
        (None, 0),
        (list[int], 5),
        (list[int], ["x"]),
        (dict[str, int], {1: 1}),
        (dict[str, int], []),
        (Inner, ("x", None, b"")),
        (Descriptor, 3),
    ],
)
def test_value_of_another_type_is_refused(kind, value):
    """Our own mistake is found where it is made, not at the other end."""
    with pytest.raises(InternalError):
        encode(kind, value)


@pytest.mark.parametrize("kind", [set[int], dict[int, str], int | str, object, tuple[int, int]])
def test_type_without_form_is_refused(kind):
    """A message cannot be declared with a type that has no form on the wire."""
    with pytest.raises(TypeError):
        encode(kind, None)


def test_descriptors_travel_in_order():
    """Each descriptor field gets its own, in the order in which they were sent."""
    data, descriptors = encode(Holder, Holder(Descriptor(10), [Descriptor(11), Descriptor(12)]))
    assert [one.number for one in descriptors] == [10, 11, 12]
    found = decode(Holder, data, Incoming((20, 21, 22)))
    assert found.one.take() == 20
    assert [one.take() for one in found.many] == [21, 22]


@pytest.mark.parametrize("numbers", [(), (20,), (20, 21, 22, 23)])
def test_other_number_of_descriptors_is_refused(numbers):
    """A message with more or fewer descriptors than its fields ask for is refused."""
    data, _ = encode(Holder, Holder(Descriptor(10), [Descriptor(11), Descriptor(12)]))
    with pytest.raises(ProtocolError):
        decode(Holder, data, Incoming(numbers))


def test_descriptor_out_of_order_is_refused():
    """A message that names its descriptors in another order, or one twice, is refused."""
    with pytest.raises(ProtocolError):
        decode(Holder, b"\x92\xd4\x01\x01\x91\xd4\x01\x00", Incoming((20, 21)))
    with pytest.raises(ProtocolError):
        decode(Holder, b"\x92\xd4\x01\x00\x91\xd4\x01\x00", Incoming((20, 21)))


class Both(Interface):
    @call()
    def both(self, outer: Outer, *, count: int = 3) -> list[Outer]:
        """Any."""

    @call()
    def give(self, one: Descriptor) -> int:
        """Any."""


@given(OUTER, NUMBERS)
def test_fast_and_small_read_each_other(outer, count):
    """Messages through msgspec and ours are the same bytes and are read alike."""
    one, other = FastWire(Both.both), SmallWire(Both.both)
    assert one.write_arguments((outer, count))[0] == other.write_arguments((outer, count))[0]
    assert one.write_result([outer])[0] == other.write_result([outer])[0]
    data, _ = other.write_arguments((outer, count))
    assert (
        one.read_arguments(data, NO_DESCRIPTORS)
        == other.read_arguments(data, NO_DESCRIPTORS)
        == (outer, count)
    )
    data, _ = one.write_result([outer])
    assert one.read_result(data, NO_DESCRIPTORS) == other.read_result(data, NO_DESCRIPTORS) == [outer]


def test_fast_takes_what_a_newer_peer_adds():
    """Further fields and missing last arguments are taken by both alike."""
    outer = Outer(True, 1.0, Inner("x"), [], {})
    data, _ = SmallWire(Both.both).write_arguments((outer, 7))
    for wire in (FastWire(Both.both), SmallWire(Both.both)):
        assert wire.read_arguments(b"\x93" + data[1:] + b"\xa3new", NO_DESCRIPTORS) == (outer, 7)
        assert wire.read_arguments(b"\x91" + data[1:-1], NO_DESCRIPTORS) == (outer, 3)
        with pytest.raises(ProtocolError):
            wire.read_arguments(b"\x90", NO_DESCRIPTORS)
        with pytest.raises(ProtocolError):
            wire.read_result(b"\xa1\xff", NO_DESCRIPTORS)


def test_fast_leaves_descriptors_to_small():
    """A method whose messages hold descriptors is written by the small codec; each wire is made once."""
    assert isinstance(fast(Both.give), SmallWire)
    assert isinstance(fast(Both.both), FastWire)
    assert fast(Both.both) is fast(Both.both)
    assert small(Both.both) is small(Both.both)


def test_fast_refuses_what_has_no_form():
    """A value that msgspec cannot write is our own mistake, and said so."""
    for value in (object(), 2**64, "\udcff"):
        with pytest.raises(InternalError):
            FastWire(Both.both).write_result(value)
