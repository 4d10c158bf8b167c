"""The other end in this process: what a transport without sockets owes beyond the suite of all transports."""

import asyncio
import os

import pytest

from snowfox.core.rpc.client import connect
from snowfox.core.rpc.interface import Descriptor, Interface, Right, call
from snowfox.core.rpc.links import Links
from snowfox.core.rpc.pooled import pooled
from snowfox.core.rpc.server import Limits, current, handles, serve
from snowfox.errors import ConnectionLost, NotPermitted, PeerError, UsageError

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


class Desk(Interface):
    @call(right=Right.READ, repeatable=True)
    def who(self) -> int:
        """The uid of who asks."""

    @call(right=Right.READ)
    def swap(self, thing: Descriptor) -> Descriptor | None:
        """The same descriptor back."""

    @call(right=Right.READ)
    def sort(self, names: list[str]) -> list[str]:
        """In order."""


class Handlers:
    @handles(Desk.who)
    def who(self):
        """By the caller."""
        return current().peer.uid

    @handles(Desk.swap)
    def swap(self, thing):
        """Back."""
        return Descriptor(thing.take())

    @handles(Desk.sort)
    def sort(self, names):
        """In place, as nobody should."""
        names.sort()
        return names


def everybody(_):
    """May do all."""
    return Right.ALL


async def test_no_socket_is_opened():
    """Sessions cost no descriptors, and are listed as all others are."""
    before = len(os.listdir("/proc/self/fd"))
    async with serve("here:desk", Desk, Handlers(), grants=everybody) as server:
        async with connect("here:desk", Desk) as one, connect("here:desk", Desk) as other:
            assert [await one.who(), await other.who()] == [os.getuid()] * 2
            assert len(os.listdir("/proc/self/fd")) == before
            assert len(await Links.instance().look()) == 4
            assert server.sessions == 2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert server.sessions == 0


async def test_descriptors_and_values_are_given_away():
    """A descriptor comes and goes as the same number; a list that the other end changes is not ours."""
    async with serve("here:desk", Desk, Handlers(), grants=everybody), connect("here:desk", Desk) as desk:
        reading, writing = os.pipe()
        back = await desk.swap(Descriptor(reading))
        assert back.take() == reading
        os.close(reading)
        os.close(writing)
        names = ["b", "a"]
        assert await desk.sort(names) == ["a", "b"]
        assert names == ["b", "a"]


async def test_descriptors_on_the_way_to_who_left():
    """They are closed."""
    async with serve("here:desk", Desk, Handlers(), grants=everybody) as server:
        async with connect("here:desk", Desk) as desk:
            await desk.who()
            reading, writing = os.pipe()
            promise = desk.swap(Descriptor(writing))
            server.close()
            with pytest.raises(ConnectionLost):
                await promise
        assert os.read(reading, 1) == b""
        os.close(reading)


async def test_names():
    """One that nothing is served under is refused, a taken one too, and it is free again afterwards."""
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="here:desk: nothing is served there"):
            async with connect("here:desk", Desk):
                pass
        async with serve("here:desk", Desk, Handlers(), grants=everybody):
            with pytest.raises(UsageError, match="cannot serve here:desk: something else is"):
                async with serve("here:desk", Desk, Handlers(), grants=everybody):
                    pass
            async with connect("here:desk", Desk) as desk:
                assert await desk.who() == os.getuid()
    with pytest.raises(UsageError, match="open a listening socket"):
        async with serve("unix:/run/desk.sock", Desk, Handlers(), grants=everybody):
            pass


async def test_rights_and_limits():
    """Whoever may do nothing, and who is one too many, is told so."""
    async with serve("here:desk", Desk, Handlers(), grants=lambda _: frozenset()):
        async with connect("here:desk", Desk) as desk:
            with pytest.raises(NotPermitted):
                await desk.who()
    few = Limits(sessions=1)
    async with serve("here:desk", Desk, Handlers(), grants=everybody, limits=few), connect("here:desk", Desk):
        async with connect("here:desk", Desk) as desk:
            with pytest.raises(PeerError, match="1 sessions are open"):
                await desk.who()


async def test_a_pool():
    """It connects to what comes up later, and again when that is served anew."""
    async with pooled(["here:desk"], Desk) as desk:
        promise = desk.who()
        await asyncio.sleep(0.01)
        for _ in range(2):
            async with serve("here:desk", Desk, Handlers(), grants=everybody):
                assert await promise == os.getuid()
            promise = desk.who()
        promise.cancel()
