"""Interfaces as they once were, kept so that what is served today is called by what was sold then, and the other way.

Never changed: what the newest one changes becomes another class here.
"""

from typing import NamedTuple

from snowfox.core.rpc.interface import Interface, Right, call, stream


def _named(interface, name="Shop"):
    """All are `Shop` on the wire."""
    for method in vars(interface).values():
        if hasattr(method, "full_name"):
            method.interface = name
    return interface


class _First:
    class Fruit(NamedTuple):
        name: str
        price: int


@_named
class ShopOne(Interface):
    """The first."""

    @call(right=Right.READ)
    def find(self, name: str) -> _First.Fruit:
        """A fruit."""

    @stream(right=Right.READ)
    def all(self) -> _First.Fruit:
        """Every fruit."""

    @call(right=Right.READ)
    def count(self) -> int:
        """How many."""


class _Second:
    class Fruit(NamedTuple):
        name: str
        price: int
        colour: str = ""


@_named
class ShopTwo(Interface):
    """A method is added, and an optional last argument, and an optional last field."""

    @call(right=Right.READ)
    def find(self, name: str, colour: str = "") -> _Second.Fruit:
        """A fruit."""

    @stream(right=Right.READ)
    def all(self) -> _Second.Fruit:
        """Every fruit."""

    @call(right=Right.READ)
    def count(self) -> int:
        """How many."""

    @call(right=Right.OPERATE)
    def buy(self, name: str) -> int:
        """Buy one; how many are left."""


@_named
class ShopThree(Interface):
    """`count` means something else: what it counts is asked."""

    @call(right=Right.READ)
    def find(self, name: str, colour: str = "") -> _Second.Fruit:
        """A fruit."""

    @stream(right=Right.READ)
    def all(self) -> _Second.Fruit:
        """Every fruit."""

    @call(right=Right.READ)
    def count(self, name: str) -> int:
        """How many of it."""

    @call(right=Right.OPERATE)
    def buy(self, name: str) -> int:
        """Buy one; how many are left."""


FruitOne = _First.Fruit
FruitTwo = _Second.Fruit
