"""What waits to be sent: joined, cut, bounded, with descriptors at the right byte."""

from errno import EPIPE

import pytest

from snowfox.core.rpc.frame import CALL, LIMIT, SIZE
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.outbox import AHEAD, CHUNK, Outbox
from snowfox.errors import InternalError, PosixError


class Wire:
    """A kernel that takes what there is room for."""

    def __init__(self, *room):
        self.files = self.sockets = self
        self.room = list(room)
        self.sent = []
        self.closed = []

    def send(self, socket, data, descriptors=()):
        """Take the next amount; None when it is 0."""
        most = self.room.pop(0) if self.room else len(data)
        if most == 0:
            return None
        self.sent.append((bytes(data[:most]), descriptors))
        return min(most, len(data))

    def close(self, number):
        """Note it."""
        self.closed.append(number)


def test_frames_of_a_turn_are_one_write():
    """Small frames are joined."""
    outbox, wire = Outbox(), Wire()
    for number in range(100):
        outbox.put(CALL, number, b"x")
    assert outbox.size == 100 * (SIZE + 1)
    assert outbox.send(wire, 0)
    assert len(wire.sent) == 1
    assert outbox.size == 0
    assert outbox.gone == 100 * (SIZE + 1)


def test_much_goes_ahead():
    """What waits is sent before the turn ends; not into a socket that is full, and without an error."""
    outbox, wire = Outbox(), Wire(AHEAD, 0)
    outbox.put(CALL, 2, b"x" * AHEAD)
    outbox.send_ahead(wire, 0)
    assert len(wire.sent) == 1
    assert outbox.is_blocked
    outbox.put(CALL, 3, b"x" * AHEAD)
    outbox.send_ahead(wire, 0)
    assert len(wire.sent) == 1


def test_an_error_ahead_is_met_again():
    """Whoever asks for something is not told: the session is."""

    class Gone(Wire):
        def send(self, socket, data, descriptors=()):
            raise PosixError("send", "", EPIPE)

    outbox = Outbox()
    outbox.put(CALL, 1, b"x" * AHEAD)
    outbox.send_ahead(Gone(), 0)
    with pytest.raises(PosixError):
        outbox.send(Gone(), 0)


def test_writes_are_bounded():
    """Large frames are not joined without end."""
    outbox, wire = Outbox(), Wire()
    for _ in range(10):
        outbox.put(CALL, 1, b"x" * (CHUNK // 2))
    outbox.send(wire, 0)
    assert 5 <= len(wire.sent) <= 10


def test_descriptors_go_with_the_first_byte_of_their_frame():
    """A frame with descriptors begins a write of its own; they are closed here once its first byte went."""
    outbox, wire = Outbox(), Wire(SIZE + 1, 3, 0)
    outbox.put(CALL, 1, b"a")
    outbox.put(CALL, 2, b"b", [Descriptor(5)])
    outbox.put(CALL, 3, b"c")
    assert not outbox.send(wire, 0)
    assert outbox.is_blocked
    assert [descriptors for _, descriptors in wire.sent] == [(), (5,)]
    assert wire.closed == [5]
    assert outbox.send(wire, 0)
    assert not outbox.is_blocked
    assert wire.sent[-1][1] == ()
    assert wire.closed == [5]
    assert sum(len(data) for data, _ in wire.sent) == 3 * (SIZE + 1)


def test_what_is_too_large_is_refused():
    """A body beyond the limit, or more descriptors than a message takes, leaves nothing behind."""
    outbox = Outbox()
    with pytest.raises(InternalError):
        outbox.put(CALL, 1, b"x" * (LIMIT + 1))
    many = [Descriptor(number) for number in range(254)]
    with pytest.raises(InternalError):
        outbox.put(CALL, 1, b"", many)
    assert outbox.size == 0
    assert many[0].number == 0


def test_dropping_gives_back_descriptors():
    """What was not sent comes back to be closed."""
    outbox = Outbox()
    outbox.put(CALL, 1, b"", [Descriptor(5), Descriptor(6)])
    assert outbox.drop() == [5, 6]
    assert outbox.size == 0
