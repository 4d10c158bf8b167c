"""Frames are put together from bytes that are cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.rpc.frame import CALL, HEADER, LIMIT, PING, SIZE, Frames
from snowfox.errors import ProtocolError


def _frame(body=b"", *, kind=CALL, count=0):
    return HEADER.pack(len(body), kind, count, 3, 7, 9) + body


@given(st.lists(st.binary(max_size=50), max_size=10), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_cut_anywhere(bodies, sizes):
    """However the bytes are cut, the same frames come out, in order."""
    data = b"".join(_frame(body) for body in bodies)
    frames, found, at, turn = Frames(), [], 0, 0
    while at < len(data):
        found += frames.feed(data[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    assert found == [(CALL, 3, 7, 9, (), body) for body in bodies]


def test_descriptors_go_to_their_frame():
    """Descriptors that come with the first byte of a frame wait for the rest of it."""
    frames = Frames()
    data = _frame(b"one", count=2) + _frame(b"two")
    assert frames.feed(data[:1], (4, 5)) == []
    assert frames.descriptors == [4, 5]
    assert frames.feed(data[1:]) == [(CALL, 3, 7, 9, (4, 5), b"one"), (CALL, 3, 7, 9, (), b"two")]
    assert frames.descriptors == []


def test_the_longest_body_is_taken():
    """A body of exactly the limit is a frame; one byte more is refused before it is read."""
    body = b"x" * LIMIT
    assert Frames().feed(_frame(body))[0][5] == body
    with pytest.raises(ProtocolError):
        Frames().feed(HEADER.pack(LIMIT + 1, CALL, 0, 0, 1, 0))


@pytest.mark.parametrize(
    ("data", "descriptors"),
    [
        (_frame(b"x"), (4,)),
        (_frame(b"x", count=1), ()),
        (_frame(b"x", count=1) + _frame(b"y"), (4, 5)),
        (_frame(b"x", kind=PING, count=1)[:SIZE], (4, 5)),
        (_frame(b"x" * 9)[: SIZE + 1], (4,)),
        (b"", (4,)),
    ],
)
def test_descriptors_that_belong_nowhere(data, descriptors):
    """More descriptors than frames announce, or fewer, are a fault of the peer; all of them are still there to close."""
    frames = Frames()
    with pytest.raises(ProtocolError):
        frames.feed(data, descriptors)
    assert sorted(frames.descriptors) == list(descriptors)


def test_a_trickle_of_descriptors_is_bounded():
    """Descriptors beyond what one message can have are refused, though the header is not complete yet."""
    frames = Frames()
    frames.feed(_frame(count=200)[:1], tuple(range(200)))
    with pytest.raises(ProtocolError):
        frames.feed(_frame()[1:2], tuple(range(200, 300)))
    assert len(frames.descriptors) == 300


def test_where_no_descriptors_come_frames_are_let_through():
    """A frame that announces some, which the kernel closed, is no error: what it asks for is refused for another reason."""
    head = HEADER.pack(1, CALL, 2, 0, 1, 0)
    assert Frames(passes=False).feed(head + b"x") == [(CALL, 0, 1, 0, (), b"x")]
    with pytest.raises(ProtocolError):
        Frames().feed(head + b"x")
