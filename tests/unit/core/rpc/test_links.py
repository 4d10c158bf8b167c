"""The sessions of a loop, as they are listed."""

import asyncio
import socket

import pytest

from snowfox.core.posix.active import activate
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.client import attach
from snowfox.core.rpc.links import Links
from snowfox.core.rpc.server import handles
from snowfox.testing.rpc import Shop


class Handlers:
    """Answers one call, never the other."""

    @handles(Shop.price)
    async def price(self, name: str, count: int = 1) -> int:
        """Never for a pear."""
        if name == "pear":
            await asyncio.Event().wait()
        return count

    @handles(Shop.sales)
    async def sales(self, name: str):
        """One."""
        yield name

    @handles(Shop.give)
    def give(self, thing):
        """Nothing back."""

    @handles(Shop.close_down)
    def close_down(self) -> None:
        """Nothing."""


@pytest.fixture(autouse=True)
def kernel():
    """The real one."""
    activate(LinuxPosix())


def pair() -> tuple[int, int]:
    """Two ends of a socket."""
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    return one.detach(), other.detach()


async def test_sessions_are_listed_with_their_round_trip() -> None:
    """Both ends of one: what each serves and calls, in flight, bytes, since; nothing once they are closed."""
    one, other = pair()
    client = await attach(one, calling=Shop, name="shop")
    server = await attach(
        other, calling=Shop, serving=Shop, handlers=Handlers(), name="customer", rights=frozenset({"read"})
    )
    client.reconnects = 3
    assert await client.remote.price("apple", 2) == 2
    waiting = client.remote.price("pear")
    await asyncio.sleep(0)
    first, second = await Links.instance().look(within=5.0)
    assert (first.name, first.serves, first.calls, first.asked, first.owed) == ("shop", "Shop", "", 1, 0)
    assert (second.name, second.serves, second.calls) == ("customer", "Shop", "Shop")
    assert (second.asked, second.owed) == (0, 1)
    assert first.round_trip is not None
    assert 0 < first.round_trip < 5
    assert first.received > 16
    assert first.sent > 16
    assert (first.reconnects, second.reconnects) == (3, 0)
    assert 0 <= second.age <= first.age
    waiting.cancel()
    client.close()
    await server.closed()
    assert len(Links.instance()) == 0
    assert await Links.instance().look() == []


async def test_who_does_not_answer_holds_up_nobody() -> None:
    """A silent end is listed without a round trip once the time is over; a session that ends meanwhile is not listed."""
    one, other = pair()
    link = await attach(one, calling=Shop, name="silent")
    (figures,) = await Links.instance().look(within=0.01)
    assert figures.round_trip is None
    look = asyncio.ensure_future(Links.instance().look(within=5.0))
    await asyncio.sleep(0)
    link.close()
    assert await look == []
    LinuxPosix().files.close(other)
