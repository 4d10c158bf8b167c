"""Ends of different age: what they still call of one another, and what is refused."""

from typing import NamedTuple

from snowfox.core.rpc.happening import Failed
from snowfox.core.rpc.interface import Interface, call
from snowfox.errors import PeerError
from snowfox.testing.rpc import Pair


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
    assert isinstance(pair.heard[0].error, PeerError)
    assert [one.method for one in pair.asked] == ["Sale.sell"]
