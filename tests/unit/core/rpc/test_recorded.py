"""A recorded conversation, changed in every way: it goes on or ends in order, whatever comes."""

import os
from random import Random
from time import monotonic

import pytest

from snowfox.core.rpc import frame
from snowfox.core.rpc.fast import fast
from snowfox.core.rpc.happening import Answered, Called, Ended, Failed, Item, StreamEnded
from snowfox.core.rpc.idempotency import under
from snowfox.core.rpc.interface import Descriptor, Interface, call
from snowfox.core.rpc.message import small
from snowfox.core.rpc.requests import close_in
from snowfox.core.rpc.session import Session
from snowfox.core.trace import Trace, within
from snowfox.errors import NotFound, PeerError, ProtocolError
from snowfox.testing.rpc import AWAY, QUIET, Kernel, Shop

SECONDS = 60.0 if os.environ.get("SNOWFOX_TEST_ALL") else 1.0
"""How long anything at all is tried."""

SEED = 6

WIRES = pytest.mark.parametrize("wires", [small, fast], ids=["small", "fast"])


class Asker:
    """The end that calls: the same calls in each replay."""

    def __init__(self, wires):
        self.kernel = Kernel()
        self.session = Session(0.0, QUIET._replace(wires=wires), serving=None, posix=self.kernel)
        self.session.calls.most = 100
        ask = self.session.call
        with within(Trace("story", "cause")):
            self.calls = {ask(Shop.price, ("apple", 3), 0.0, deadline=5.0)}
        with under("order-17"):
            self.calls.add(ask(Shop.price, ("pear", 1), 0.0, deadline=None))
        self.calls.add(ask(Shop.sales, ("apple",), 0.0, deadline=None))
        self.calls.add(ask(Shop.give, (Descriptor(1, self.kernel),), 0.0, deadline=None))
        self.calls.add(ask(Shop.close_down, (), 0.0, deadline=None))
        self.cancelled = ask(Shop.sales, ("pear",), 0.0, deadline=None)
        self.session.cancel(self.cancelled)
        self.session.took(3, 100_000)
        self.session.drain()

    def sent(self):
        """All that it said, as it went."""
        self.session.outbox.send(self.kernel, 0)
        return self.kernel.sent


class Server:
    """The end that serves."""

    def __init__(self, wires):
        self.kernel = Kernel()
        self.session = Session(0.0, QUIET._replace(wires=wires), serving=Shop, posix=self.kernel)
        self.calls = set()


def _recorded():
    """What each end sends to the other."""
    asker, server = Asker(small), Server(small)
    asked = asker.sent()
    for data, descriptors in asked:
        server.session.receive(data, tuple(one + AWAY for one in descriptors), 0.0)
    answering = server.session
    answering.answer(2, 12)
    answering.answer(1, 36)
    for text in ("one", "two"):
        answering.item(3, text)
    answering.end(3)
    answering.answer(4, Descriptor(7, server.kernel))
    answering.refuse(5, NotFound("no", "try another"))
    answering.drain()
    answering.goodbye(PeerError("tired"))
    answering.outbox.send(server.kernel, 0)
    return {Server: asked, Asker: server.kernel.sent}


RECORDED = _recorded()


def _replay(made, pieces):
    """Happenings at an end that is told these pieces; nothing is left of them, and all that it waits for settled once."""
    end, given, happenings = made, [], []
    for data, descriptors in pieces:
        numbers = tuple(one + AWAY * (len(given) + 1) for one in descriptors)
        given.extend(numbers)
        happenings += end.session.receive(data, numbers, 0.0)
    ends = [one for one in happenings if isinstance(one, Ended)]
    if not ends:
        happenings += end.session.lost(None)
    end.session.close()
    settled = [one.request for one in happenings if isinstance(one, (Answered, Failed, StreamEnded))]
    assert sorted(settled) == sorted(end.calls)
    assert len([one for one in happenings if isinstance(one, Ended)]) == 1
    assert isinstance(happenings[-1], Ended)
    for one in happenings:
        if isinstance(one, (Answered, Item)):
            close_in(one.value)
        elif isinstance(one, Called):
            close_in(one.arguments)
    assert set(given) <= set(end.kernel.closed)
    return ends, happenings


@WIRES
@pytest.mark.parametrize("kind", [Server, Asker])
def test_each_bit_of_a_conversation_flipped(kind, wires):
    """With any bit of any byte changed, at either end, the session goes on or ends once with ProtocolError or as was said."""
    pieces, broke, tried = RECORDED[kind], 0, 0
    for index, (data, descriptors) in enumerate(pieces):
        for at in range(len(data)):
            for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
                changed = bytearray(data)
                changed[at] ^= flip
                ends, _ = _replay(
                    kind(wires), [*pieces[:index], (bytes(changed), descriptors), *pieces[index + 1 :]]
                )
                tried += 1
                broke += any(isinstance(one.error, ProtocolError) for one in ends)
    assert tried // 4 < broke < tried


def _plain(happenings):
    """What can be compared: descriptors and errors have no equals."""
    return [f"{type(one).__name__} {one[:1]}" for one in happenings]


@pytest.mark.parametrize("kind", [Server, Asker])
def test_each_split_point(kind):
    """Wherever its bytes are cut into two, and one by one, a conversation is the same."""
    pieces = RECORDED[kind]
    expected = _plain(_replay(kind(small), pieces)[1])
    for index, (data, descriptors) in enumerate(pieces):
        for at in range(1, len(data)):
            cut = [(data[:at], descriptors), (data[at:], ())]
            assert _plain(_replay(kind(small), [*pieces[:index], *cut, *pieces[index + 1 :]])[1]) == expected
    single = [
        (data[at : at + 1], descriptors if at == 0 else ())
        for data, descriptors in pieces
        for at in range(len(data))
    ]
    assert _plain(_replay(kind(small), single)[1]) == expected


def _mutated(pieces, random):
    """The pieces with a few things changed: bytes, their order, heads of frames, descriptors."""
    pieces = [(bytearray(data), descriptors) for data, descriptors in pieces]
    for _ in range(random.randint(1, 6)):
        index = random.randrange(len(pieces))
        data, descriptors = pieces[index]
        at = random.randrange(len(data) + 1)
        match random.randrange(8):
            case 0:
                data[at : at + 1] = random.randbytes(1)
            case 1:
                del data[at : at + random.randint(1, 20)]
            case 2:
                data[at:at] = random.randbytes(random.randint(1, 20))
            case 3:
                data[at : at + 1] = random.choice(
                    [b"\xc0", b"\xdd\xff\xff\xff\xff", b"\xd4\x01\x00", b"\x9f"]
                )
            case 4:
                data[at:at] = frame.HEADER.pack(
                    0, random.randint(0, frame.LAST), 0, random.randint(0, 5), random.randint(0, 9), 1
                )
            case 5:
                other = random.choice(pieces)[0]
                data[at:at] = other[random.randrange(len(other) + 1) :][:64]
            case 6:
                pieces[index] = (data, random.choice([(), (3,), (3, 4), descriptors]))
            case _:
                pieces.insert(random.randrange(len(pieces)), (bytearray(data), descriptors))
        pieces = [one for one in pieces if one[0]] or [(bytearray(b"\0"), ())]
    return [(bytes(data), descriptors) for data, descriptors in pieces]


@pytest.mark.timeout(180)
def test_anything_at_all():
    """Fuzzing, one minute where all is tested: nothing crashes, leaks or settles twice; a round's number replays it."""
    end, number = monotonic() + SECONDS, 0
    while monotonic() < end:
        random = Random(f"{SEED}-{number}")
        kind = random.choice([Server, Asker])
        try:
            _replay(kind(random.choice([small, fast])), _mutated(RECORDED[kind], random))
        except Exception as error:
            error.add_note(f"in round {number}")
            raise
        number += 1
    assert number > 100


class Deep(Interface):
    @call()
    def take(self, numbers: list[list[int]]) -> None:
        """Lists of lists."""

    @call()
    def name(self, names: dict[str, bytes], last: int = 0) -> None:
        """Bytes by name."""


BOMBS = {
    "deep": b"\x91" * 1_000_000,
    "deep behind": b"\x93\x80\x00" + b"\x91" * 1_000_000,
    "deep maps behind": b"\x93\x80\x00" + b"\x81\xa0" * 500_000,
    "many": b"\x91\xdd\xff\xff\xff\xff",
    "many of many": b"\x91\xdd\xff\xff\xff\xff" + b"\xdd\xff\xff\xff\xff" * 1000,
    "many behind": b"\x93\x80\x00\xdf\xff\xff\xff\xff",
    "map": b"\x92\xdf\xff\xff\xff\xff" + b"\xa0\xc4\x00" * 1000,
    "long bytes": b"\x92\x81\xa0\xc6\xff\xff\xff\xff",
    "long text": b"\x92\x81\xdb\xff\xff\xff\xff",
    "arguments": b"\xdd\xff\xff\xff\xff",
}


@WIRES
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb, wires):
    """Nesting without end and lengths of 4 GiB end the session at once, without the memory that they announce."""
    options = QUIET._replace(wires=wires)
    for method in (Deep.take, Deep.name):
        server = Session(0.0, options, serving=Deep, posix=Kernel())
        caller = Session(0.0, QUIET, serving=None, posix=Kernel())
        caller.calls.most = 9
        caller.call(method, ([],) if method is Deep.take else ({}, 0), 0.0, deadline=None)
        caller.outbox.put(frame.CALL, 2, BOMBS[bomb])
        wire = Kernel()
        caller.outbox.send(wire, 0)
        before = monotonic()
        found = [one for data, _ in wire.sent for one in server.receive(data, (), 0.0)]
        assert monotonic() - before < 5.0
        assert isinstance(found[-1], Ended)
        assert isinstance(found[-1].error, ProtocolError)
