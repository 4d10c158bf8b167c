"""Interfaces: what a declaration says of a method, and how it is called."""

import pytest

from snowfox.core.rpc.interface import (
    CallMethod,
    Descriptor,
    Interface,
    Right,
    StreamMethod,
    call,
    stream,
)
from snowfox.errors import Cancelled


class Shop(Interface):
    @call(right=Right.READ, deadline="3s", repeatable=True)
    def price(self, name: str, count: int = 1, *, old: bool = False) -> int | None:
        """The price."""

    @stream()
    def sales(self, name: str) -> list[str]:
        """What is sold."""

    @call()
    def empty(self) -> None:
        """Nothing."""


class More(Shop):
    @call()
    def extra(self) -> None:
        """More."""


def test_a_method_knows_its_declaration():
    """Names, types, defaults, result, right, deadline are those of the function."""
    method = Shop.price
    assert isinstance(method, CallMethod)
    assert method.full_name == "Shop.price"
    assert [tuple(one) for one in method.arguments] == [
        ("name", str, False, None),
        ("count", int, True, 1),
        ("old", bool, True, False),
    ]
    assert method.result == int | None
    assert (method.right, method.deadline, method.repeatable, method.is_stream) == ("read", 3.0, True, False)
    assert method.__doc__ == "The price."


def test_what_is_not_said():
    """A call without a deadline has ten seconds, a stream has no end, None is a result."""
    assert Shop.empty.deadline == 10.0
    assert Shop.empty.result is type(None)
    assert isinstance(Shop.sales, StreamMethod)
    assert Shop.sales.deadline is None
    assert Shop.sales.is_stream


def test_an_interface_lists_its_methods():
    """Inherited ones are among them, and keep the name under which they were declared."""
    assert list(More.methods) == ["price", "sales", "empty", "extra"]
    assert More.price.full_name == "Shop.price"
    assert list(Shop.methods) == ["price", "sales", "empty"]


def test_arguments_are_bound_as_by_a_function():
    """Positional and named arguments become a tuple in order, with defaults."""
    assert Shop.price.bind(("apple",), {}) == ("apple", 1, False)
    assert Shop.price.bind(("apple", 2), {"old": True}) == ("apple", 2, True)
    assert Shop.price.bind((), {"name": "apple"}) == ("apple", 1, False)
    assert Shop.price.bind(("apple", 2, True), {}) == ("apple", 2, True)


@pytest.mark.parametrize(
    ("values", "named", "text"),
    [
        ((), {}, "Shop.price needs name"),
        (("a", 1, True, 5), {}, "takes 3 arguments, not 4"),
        (("a",), {"other": 1}, "does not take other"),
        (("a",), {"name": "b"}, "does not take name"),
    ],
)
def test_wrong_arguments_are_a_type_error(values, named, text):
    """A call that does not fit its declaration fails as a function's would."""
    with pytest.raises(TypeError, match=text):
        Shop.price.bind(values, named)


def test_a_client_makes_each_callable_once():
    """On a client's object a method is what `invoke` makes of it, kept for the next time."""
    made = []
    shop = Shop(lambda method: made.append(method) or method.full_name)
    assert [shop.price, shop.price, shop.sales] == ["Shop.price", "Shop.price", "Shop.sales"]
    assert made == [Shop.price, Shop.sales]


def test_a_descriptor_is_taken_once():
    """Who takes a descriptor owns it; it cannot be taken twice, nor closed by the object after that."""

    class Kernel:
        def __init__(self):
            self.files = self
            self.closed = []

        def close(self, number):
            """Note it."""
            self.closed.append(number)

    kernel = Kernel()
    one = Descriptor(5, kernel)
    assert one.number == 5
    assert one.take() == 5
    assert one.number == -1
    with pytest.raises(Cancelled):
        one.take()
    one.close()
    other = Descriptor(6, kernel)
    other.close()
    other.close()
    assert kernel.closed == [6]
