"""Ends of different age: what they still call of one another, and what is refused."""

from typing import NamedTuple

from snowfox.core.rpc import frame
from snowfox.core.rpc.codec import encode
from snowfox.core.rpc.happening import Failed, Item
from snowfox.core.rpc.interface import Descriptor, Interface, call, stream
from snowfox.core.rpc.message import Definition
from snowfox.core.rpc.requests import MOST_DEFINED
from snowfox.errors import Incompatible, ProtocolError
from snowfox.testing.rpc import AWAY, QUIET, Pair, Shop


def _variants():
    class Newer(NamedTuple):
        name: str
        count: int
        note: str = "none"

    class Older(NamedTuple):
        name: str
        count: int

    class New(Interface):
        @call()
        def sell(self, what: Newer, to: str, at: int = 5) -> Newer:
            """Any."""

        @call()
        def changed(self, what: str) -> int:
            """Any."""

    class Old(Interface):
        @call()
        def sell(self, what: Older, to: str) -> Older:
            """Any."""

        @call()
        def changed(self, what: int) -> int:
            """Any."""

    for one in (New, Old):
        for method in one.methods.values():
            method.interface = "Sale"
    Newer.__name__ = Older.__name__ = "Thing"
    return New, Old, Newer, Older


def test_a_last_field_may_be_added():
    """Ends of which one has a further optional field or argument talk, either way."""
    new, old, newer, older = _variants()
    pair = Pair(serving=new)
    pair.call(old.sell, older("apple", 1), "me")
    pair.carry()
    assert pair.asked[0].arguments == (newer("apple", 1, "none"), "me", 5)
    pair.server.answer(1, newer("apple", 2, "sold"))
    pair.carry()
    assert pair.heard[0].value == older("apple", 2)
    pair = Pair(serving=old)
    pair.call(new.sell, newer("apple", 1, "sweet"), "me", 7)
    pair.carry()
    assert pair.asked[0].arguments == (older("apple", 1), "me")


def test_a_changed_method_is_refused_when_called():
    """A method on which the ends disagree is refused, others of the session are not."""
    new, old, _, older = _variants()
    pair = Pair(serving=new)
    pair.call(old.changed, 3)
    pair.call(old.sell, older("apple", 1), "me")
    pair.carry()
    assert isinstance(pair.heard[0], Failed)
    assert isinstance(pair.heard[0].error, Incompatible)
    assert [one.method for one in pair.asked] == ["Sale.sell"]


class Other(Interface):
    @call()
    def price(self, name: str) -> int:
        """Any."""

    @stream()
    def give(self, thing: Descriptor) -> int:
        """Any."""


def test_an_unknown_method_is_refused():
    """Only what is not served is refused, each time, with what came along closed; a stream that is open goes on."""
    pair = Pair()
    open_one = pair.call(Shop.sales, "apple")
    pair.carry()
    first, second = pair.call(Other.price, "apple"), pair.call(Other.price, "apple")
    third = pair.call(Other.give, Descriptor(7, pair.kernel))
    pair.carry()
    assert [one.request for one in pair.heard] == [first, second, third]
    for one in pair.heard:
        assert isinstance(one.error, Incompatible)
    assert str(pair.heard[0].error) == (
        "cannot call Other.price: the other end serves Shop, which has no such method"
    )
    assert 7 + AWAY in pair.kernel.closed
    assert pair.server.item(open_one, "one")
    pair.carry()
    assert isinstance(pair.heard[-1], Item)
    assert len(pair.server.requests) == 1


def test_an_unknown_method_ends_a_strict_session():
    """Where the other end has no rights of ours it has no business to try; it is told why."""
    pair = Pair(options=QUIET._replace(strict=True))
    pair.call(Other.price, "apple")
    pair.carry()
    assert isinstance(pair.asked[-1].error, ProtocolError)
    assert isinstance(pair.heard[-1].error, ProtocolError)
    assert "Other.price" in str(pair.heard[-1].error)


def test_unknown_methods_are_bounded():
    """Who invents one after the other loses the session."""
    pair = Pair()
    pair.carry()
    for number in range(MOST_DEFINED + 1):
        body = encode(Definition, Definition(f"Shop.{'x' * 1000}{number}", b""))[0]
        pair.caller.outbox.put(frame.DEFINE, body=body, method=number)
    pair.carry()
    assert isinstance(pair.asked[-1].error, ProtocolError)


def test_nothing_is_served_where_nothing_is_offered():
    """An end that serves no interface takes no call."""
    pair = Pair(serving=None)
    pair.call(Shop.price, "apple", 1)
    pair.carry()
    assert pair.asked == []
    assert str(pair.heard[-1].error) == "cannot call Shop.price: the other end serves nothing"
