"""What a client's methods are to both type checkers: read by `make lint`, never run.

Each `ignore` stands for an error that both must find; one that is not needed is an error itself.
"""

# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple, assert_type

from snowfox.core.promise import Promise
from snowfox.core.rpc import blocking
from snowfox.core.rpc.client import attach, connect
from snowfox.core.rpc.handlers import handles
from snowfox.core.rpc.interface import CallMethod, Descriptor, Interface, StreamMethod, call, stream
from snowfox.core.rpc.items import Items
from snowfox.core.rpc.link import Link
from snowfox.core.rpc.pooled import pooled


class Fruit(NamedTuple):
    """A message."""

    name: str
    price: int = 0


class Shop(Interface):
    """What is called."""

    @call(right="read", repeatable=True)
    def find(self, name: str, count: int = 1, *, old: bool = False) -> list[Fruit]:
        """A call."""

    @call()
    def show(self, paper: Descriptor) -> Descriptor | None:
        """With descriptors."""

    @call()
    def close(self) -> None:
        """Without a result."""

    @stream()
    def sales(self, name: str = "") -> Fruit:
        """A stream."""


async def asynchronous(shop: Shop) -> None:
    """Promises and streams, with the arguments of the declaration."""
    assert_type(shop.find("apple"), Promise[list[Fruit]])
    assert_type(await shop.find("apple", 2, old=True), list[Fruit])
    assert_type(await shop.find(name="apple", count=2), list[Fruit])
    assert_type(await shop.show(Descriptor(3)), Descriptor | None)
    assert_type(shop.close(), Promise[None])
    assert_type(shop.sales(), Items[Fruit])
    async with shop.sales("apple") as items:
        async for item in items:
            assert_type(item, Fruit)


def values(session: blocking.Session) -> None:
    """The blocking client gives values, by the same declaration."""
    assert_type(session.call(Shop.find, "apple", 2, old=True), list[Fruit])
    assert_type(session.call(Shop.show, Descriptor(3)), Descriptor | None)
    assert_type(session.stream(Shop.sales, name="apple"), Iterator[Fruit])


async def clients() -> None:
    """Each way to the other end gives its interface."""
    async with connect("unix:s", Shop) as shop:
        assert_type(shop, Shop)
    async with pooled(["unix:a", "unix:b"], Shop) as shop:
        assert_type(shop, Shop)
    link = await attach(3, calling=Shop, name="shop")
    assert_type(link, Link[Shop])
    assert_type(link.remote, Shop)


def declarations() -> None:
    """On the class, a method is its description."""
    find: CallMethod[..., list[Fruit]] = Shop.find
    sales: StreamMethod[..., Fruit] = Shop.sales
    assert_type(find.full_name, str)
    assert_type(sales.deadline, float | None)


class Handlers:
    """A mark keeps the type of what it marks."""

    @handles(Shop.find)
    async def find(self, name: str, count: int, old: bool) -> list[Fruit]:
        """In a task."""
        return [Fruit(name, count)] if old else []

    @handles(Shop.sales)
    async def sales(self, name: str) -> AsyncIterator[Fruit]:
        """A generator."""
        yield Fruit(name)


async def marked(handlers: Handlers) -> None:
    """So a handler is called as any method."""
    assert_type(await handlers.find("apple", 1, old=True), list[Fruit])
    assert_type(handlers.sales("apple"), AsyncIterator[Fruit])


async def mistakes(shop: Shop, session: blocking.Session) -> None:
    """Both checkers find them."""
    shop.find()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    shop.find(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    shop.find("apple", 1, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    shop.find("apple", other=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await shop.sales()  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    session.call(Shop.find, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.call(Shop.show, "paper")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    shop.lost()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    name: str = await shop.find("apple")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(name)
