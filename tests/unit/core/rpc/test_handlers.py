"""Declarations and handlers that do not fit are found when they are made and served, not when called."""

import pytest

from snowfox.core.rpc.handlers import handles, table
from snowfox.core.rpc.interface import Interface, call, stream
from snowfox.errors import InternalError


class Shop(Interface):
    @call()
    def price(self, name: str, *, count: int = 1) -> int:
        """A call."""

    @stream()
    def sales(self, name: str) -> str:
        """A stream."""


class Good:
    @handles(Shop.price)
    async def price(self, name, count):
        """In a task."""
        return len(name) * count

    @handles(Shop.sales)
    async def sales(self, name):
        """Names."""
        yield name


def _declared(name):
    space = {"call": call, "stream": stream, "Shop": Shop}
    exec(name, space)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@call()\nasync def f(self) -> int: ...", "declare it with def"),
        ("@stream()\ndef f(self) -> int: yield 1", "declare it with def"),
        ("@call()\ndef f(self, *many: int) -> int: ...", "any number of arguments"),
        ("@call()\ndef f(self, **many: int) -> int: ...", "any number of arguments"),
        ("@call()\ndef f(self, one) -> int: ...", "one has no type"),
        ("@call()\ndef f(self, one: int, *, other) -> int: ...", "other has no type"),
        ("@stream()\ndef f(self): ...", "return has no type"),
    ],
)
def test_what_is_no_declaration(text, why):
    """A method that no wire has is refused where it is declared."""
    with pytest.raises(InternalError, match=why):
        _declared(text)


def test_handlers_that_fit():
    """Each method has its handler; what is marked for other interfaces is left out, what is inherited counts."""

    class Other(Interface):
        @call()
        def other(self) -> None:
            """Not served here."""

    class Better(Good):
        @handles(Other.other)
        def other(self):
            """For another one."""

        @handles(Shop.price)
        def price(self, *values):
            """In place."""
            return len(values)

    found = table(Shop, Better())
    assert found.keys() == {"Shop.price", "Shop.sales"}
    assert found["Shop.price"]("apple", 1) == 2


def _price(function):
    return {"price": handles(Shop.price)(function)}


async def _items(self, name):
    yield name


async def _prices(self, name, count):
    yield name


async def _later(self, name):
    return name


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (_price(lambda self, name: 1), "takes 1 arguments, not 2"),
        (_price(lambda self, name, count, more: 1), "takes 3 arguments, not 2"),
        (_price(lambda self, name, *, count: 1), "takes 1 arguments, not 2"),
        (_price(lambda self, name, count, *, more: 1), "arguments come by position"),
        (_price(lambda self, name, count: (yield)), "without yield"),
        (_price(_prices), "without yield"),
        ({"sales": handles(Shop.sales)(_later)}, "async generator"),
        ({"again": handles(Shop.sales)(_items)}, r"handles Shop\.sales twice"),
        ({"price": None}, r"does not handle Shop\.price"),
    ],
)
def test_handlers_that_do_not_fit(members, why):
    """A missing handler, a second one, one of other arguments or of another kind is refused when served."""
    with pytest.raises(InternalError, match=why):
        table(Shop, type("Wrong", (Good,), members)())


def test_a_handler_of_another_class_of_this_name():
    """An older declaration of the same name is not taken for the one that is served."""
    older = type("Shop", (Interface,), {"sales": stream()(_sales)})

    class Wrong(Good):
        @handles(older.sales)
        async def sales(self, name):
            """As it was."""
            yield name

    with pytest.raises(InternalError, match="another interface of this name"):
        table(Shop, Wrong())


def _sales(self, name: str) -> str:
    """As it was."""


def test_what_is_no_function_is_taken_as_it_is():
    """Of another callable nothing is known."""

    class Callable:
        def __call__(self, *values):
            return values

    class Loose(Good):
        price = handles(Shop.price)(Callable())

    assert table(Shop, Loose())["Shop.price"](1) == (1,)
