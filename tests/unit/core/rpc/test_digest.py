"""Digests tell whether two ends mean the same method."""

from typing import NamedTuple

import pytest

from snowfox.core.rpc.digest import digest, fit
from snowfox.core.rpc.interface import Interface, call, stream
from snowfox.errors import ProtocolError


class Thing(NamedTuple):
    name: str
    size: int = 0


class Base(Interface):
    @call()
    def do(self, thing: Thing, many: list[Thing], at: int = 5) -> dict[str, Thing | None]:
        """Any."""


def _thing(fields):
    return NamedTuple("Thing", fields)


def _method(arguments, result, declare=call, defaults=()):
    def do(self, *_):
        """Any."""

    names = [name for name, _ in arguments]
    text = ", ".join(["self", *names])
    space = {}
    exec(f"def do({text}): pass", space)
    function = space["do"]
    function.__annotations__ = {**dict(arguments), "return": result}
    function.__defaults__ = tuple(defaults)
    return declare()(function)


ARGUMENTS = [("thing", Thing), ("many", list[Thing]), ("at", int)]
RESULT = dict[str, Thing | None]


def test_the_same_declaration_has_the_same_digest():
    """The digest depends on the declaration alone, not on its interface."""
    assert digest(Base.do) == digest(_method(ARGUMENTS, RESULT, defaults=(5,)))
    assert fit(digest(Base.do), digest(Base.do))


@pytest.mark.parametrize(
    "other",
    [
        _method([*ARGUMENTS[:2], ("at", str)], RESULT, defaults=(5,)),
        _method(ARGUMENTS, RESULT),
        _method([("other", Thing), *ARGUMENTS[1:]], RESULT, defaults=(5,)),
        _method([("thing", Thing), ("many", list[str]), ("at", int)], RESULT, defaults=(5,)),
        _method(ARGUMENTS, dict[str, Thing], defaults=(5,)),
        _method(ARGUMENTS, None, defaults=(5,)),
        _method(ARGUMENTS, RESULT, declare=stream, defaults=(5,)),
        _method([("thing", Thing | None), *ARGUMENTS[1:]], RESULT, defaults=(5,)),
    ],
)
def test_a_change_does_not_fit(other):
    """Any other name, type, order, result or kind is another method."""
    assert not fit(digest(Base.do), digest(other))
    assert not fit(digest(other), digest(Base.do))


def test_a_last_optional_argument_fits():
    """A further argument with a default fits in both directions; one without does not."""
    more = _method([*ARGUMENTS, ("to", str)], RESULT, defaults=(5, ""))
    assert fit(digest(Base.do), digest(more))
    assert fit(digest(more), digest(Base.do))
    needed = _method(
        [("thing", Thing), ("many", list[Thing]), ("to", str), ("at", int)], RESULT, defaults=(5,)
    )
    assert not fit(digest(needed), digest(Base.do))


def test_an_optional_field_in_the_middle_does_not_fit():
    """Optional arguments may be added behind, not between."""
    one = _method([("a", int), ("b", int)], None, defaults=(1, 2))
    other = _method([("a", int), ("x", int), ("b", int)], None, defaults=(1, 2, 3))
    assert not fit(digest(one), digest(other))


@pytest.mark.parametrize("wrong", [b"", b"1234567", b"12345678a", b"12345678aa\x02b", b"12345678aa\xff"])
def test_what_is_no_digest(wrong):
    """Bytes that are no digest are a fault of the peer."""
    with pytest.raises(ProtocolError):
        fit(digest(Base.do), wrong)
