"""Older and newer ends of one interface talk, in both directions, through both codecs; what differs is refused when called."""

import importlib.util
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.client import connect
from snowfox.core.rpc.fast import fast
from snowfox.core.rpc.handlers import handles
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call, stream
from snowfox.core.rpc.message import small
from snowfox.core.rpc.server import serve
from snowfox.errors import Incompatible, NotPermitted, RemoteError, UserError

_spec = importlib.util.spec_from_file_location("older_interfaces", Path(__file__).with_name("older.py"))
older = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(older)
ShopOne, ShopTwo, ShopThree = older.ShopOne, older.ShopTwo, older.ShopThree
FruitOne, FruitTwo = older.FruitOne, older.FruitTwo


class One:
    @handles(ShopOne.find)
    def find(self, name):
        """As sold then."""
        return FruitOne(name, 3)

    @handles(ShopOne.all)
    async def all(self):
        """As sold then."""
        yield FruitOne("apple", 3)

    @handles(ShopOne.count)
    def count(self):
        """As sold then."""
        return 1


class Two:
    @handles(ShopTwo.find)
    def find(self, name, colour):
        """With a colour."""
        return FruitTwo(name, 3, colour or "red")

    @handles(ShopTwo.all)
    async def all(self):
        """With colours."""
        yield FruitTwo("apple", 3, "red")

    @handles(ShopTwo.count)
    def count(self):
        """All."""
        return 1

    @handles(ShopTwo.buy)
    def buy(self, name):
        """Fails in a way that only the newer end knows."""
        raise SoldOut(f"cannot buy {name}: sold out", "come again tomorrow")


class SoldOut(UserError):
    """Known where it is raised."""


class Three(Two):
    @handles(ShopThree.find)
    def find(self, name, colour):
        """With a colour."""
        return FruitTwo(name, 3, colour or "red")

    @handles(ShopThree.all)
    async def all(self):
        """With colours."""
        yield FruitTwo("apple", 3, "red")

    @handles(ShopThree.count)
    def count(self, name):
        """Of one name."""
        return len(name)

    @handles(ShopThree.buy)
    def buy(self, name):
        """One is left."""
        return 1


@pytest.fixture(params=[small, fast], ids=["small", "fast"])
def between(request, tmp_path):
    """A client of one interface at a server of another; the server by each codec, the client by the small one."""
    posix = LinuxPosix()
    activate(posix)
    listener = posix.sockets.bind(f"unix:{tmp_path}/s")
    posix.sockets.listen(listener, 10)

    @asynccontextmanager
    async def joined(calling, serving, handlers, *, rights=Right.ALL):
        async with (
            serve(listener, serving, handlers, grants=lambda _: rights, wires=request.param),
            connect(f"unix:{tmp_path}/s", calling) as shop,
        ):
            yield shop

    yield joined
    posix.files.close(listener)
    activate(None)


async def test_an_older_client(between):
    """It leaves out arguments that it does not know, and skips fields that it does not know."""
    async with between(ShopOne, ShopTwo, Two()) as shop:
        assert await shop.find("pear") == FruitOne("pear", 3)
        async with shop.all() as fruits:
            assert [fruit async for fruit in fruits] == [FruitOne("apple", 3)]
        assert await shop.count() == 1


async def test_an_older_server(between):
    """What it does not send has its default; what it does not know is skipped."""
    async with between(ShopTwo, ShopOne, One()) as shop:
        assert await shop.find("pear", "green") == FruitTwo("pear", 3, "")
        async with shop.all() as fruits:
            assert [fruit async for fruit in fruits] == [FruitTwo("apple", 3, "")]
        assert await shop.count() == 1


async def test_a_method_that_the_older_server_lacks(between):
    """Who calls it is told its name and what is served there, each time; the session and its streams go on."""
    async with between(ShopTwo, ShopOne, One()) as shop, shop.all() as fruits:
        for _ in range(2):
            with pytest.raises(
                Incompatible, match=r"cannot call Shop\.buy: the other end serves ShopOne, which has no"
            ):
                await shop.buy("pear")
            assert await shop.count() == 1
        assert await anext(fruits) == FruitTwo("apple", 3, "")


async def test_another_interface(between):
    """A stream and a call with a descriptor of an interface that is not served are refused; nothing is left open."""

    class Elsewhere(Interface):
        @stream()
        def listen(self) -> str:
            """Not here."""

        @call()
        def give(self, thing: Descriptor) -> None:
            """Nor this."""

    async with between(Elsewhere, ShopTwo, Two()) as other:
        reading, writing = os.pipe()
        for _ in range(2):
            with pytest.raises(
                Incompatible, match=r"cannot call Elsewhere\.listen: the other end serves ShopTwo"
            ):
                async with other.listen() as items:
                    await anext(items)
        with pytest.raises(Incompatible, match=r"Elsewhere\.give"):
            await other.give(Descriptor(writing))
        assert os.read(reading, 1) == b""
        os.close(reading)


async def test_a_method_that_differs(between):
    """It is refused each time that it is called, in both directions; the session and all other methods go on."""
    for calling, serving, handlers, values in (
        (ShopTwo, ShopThree, Three(), ()),
        (ShopThree, ShopTwo, Two(), ("pear",)),
    ):
        async with between(calling, serving, handlers) as shop:
            for _ in range(2):
                with pytest.raises(
                    Incompatible, match=r"Shop\.count: the two ends are of different versions"
                ):
                    await shop.count(*values)
                assert await shop.find("pear") == FruitTwo("pear", 3, "red")


async def test_an_error_that_the_other_end_lacks(between, monkeypatch):
    """It arrives as RemoteError with its text and the name of its class; where it is known, as itself."""
    async with between(ShopTwo, ShopTwo, Two()) as shop:
        with pytest.raises(SoldOut, match="sold out") as known:
            await shop.buy("pear")
        assert known.value.advice == "come again tomorrow"
        monkeypatch.setattr("snowfox.core.rpc.message.by_name", lambda _: None)  # as an older end has it
        with pytest.raises(RemoteError, match="cannot buy pear: sold out") as unknown:
            await shop.buy("pear")
        assert unknown.value.kind == "SoldOut"


async def test_a_call_without_right(between):
    """Whose rights do not cover a method is refused that one each time, and nothing else; the handler is not run."""

    class Sold(Two):
        sold = 0

        @handles(ShopTwo.buy)
        def buy(self, name):
            """Count."""
            self.sold += 1
            return 0

    handlers = Sold()
    async with between(ShopTwo, ShopTwo, handlers, rights=frozenset({Right.READ})) as shop:
        for _ in range(2):
            with pytest.raises(NotPermitted, match="you have no right to operate here"):
                await shop.buy("pear")
            assert await shop.count() == 1
    assert handlers.sold == 0
    async with between(ShopTwo, ShopTwo, handlers) as shop:
        assert await shop.buy("pear") == 0
