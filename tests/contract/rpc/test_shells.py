"""What every shell owes: blocking, channel and asyncio, calling each server that there is."""

import os
from contextlib import suppress

import pytest

from snowfox.core.rpc.interface import Descriptor
from snowfox.errors import NotFound, NotPermitted, PeerError


def _open(pipe):
    """How many descriptors this process has of a pipe."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            count += os.stat(f"/proc/self/fd/{name}").st_ino == pipe
    return count


def test_a_call_is_answered(client, shop):
    """Values go there and come back; defaults are filled in."""
    assert client.call(shop.price, "apple", 3) == 30
    assert client.call(shop.price, "apple") == 10


def test_an_error_is_raised_as_itself(client, shop):
    """An error of the tree is raised with its fields, and the session goes on."""
    with pytest.raises(NotFound) as found:
        client.call(shop.price, "pear")
    assert (found.value.text, found.value.hint) == ("there is no pear", "ask for apple")
    assert client.call(shop.price, "apple") == 10


def test_a_mistake_of_a_handler_tells_nothing_inside(client, shop):
    """What a handler raises by mistake is answered without what it said; the session lives."""
    with pytest.raises(PeerError) as found:
        client.call(shop.broken)
    assert "secret" not in str(found.value)
    assert found.value.kind == "ZeroDivisionError"
    assert client.call(shop.price, "apple") == 10


def test_a_right_is_needed(client, shop):
    """A call without the right is refused, the session goes on."""
    with pytest.raises(NotPermitted):
        client.call(shop.secret)
    assert client.call(shop.price, "apple") == 10


def test_large_messages_pass(client, shop):
    """A megabyte, far more than a socket's buffer, goes there and back."""
    data = os.urandom(1_000_000)
    assert client.call(shop.echo, data) == data


def test_a_stream_comes_in_order(client, shop):
    """All items, in order, then the end."""
    assert client.stream(shop.sales, 300) == [bytes([number % 256]) for number in range(300)]
    assert client.stream(shop.sales, 0) == []


def test_a_large_stream_passes(client, shop):
    """A stream of more than any buffer holds comes whole."""
    items = client.stream(shop.sales, 100, 50_000)
    assert [len(item) for item in items] == [50_000] * 100


def test_a_stream_may_be_left(client, shop):
    """Who has enough leaves; other calls go on."""
    assert len(client.stream(shop.sales, 5_000, 100, most=3)) == 3
    assert client.call(shop.price, "apple") == 10


def test_a_descriptor_goes_there_and_back(client, shop):
    """A descriptor arrives as the same open file, and nothing is left open at either end."""
    reading, writing = os.pipe()
    pipe = os.fstat(writing).st_ino
    back = client.call(shop.swap, Descriptor(reading)).take()
    os.write(writing, b"through")
    assert os.read(back, 10) == b"through"
    os.close(back)
    assert client.call(shop.price, "apple") == 10
    assert _open(pipe) == 1
    os.close(writing)


def test_a_descriptor_that_nobody_took_is_closed(client, shop):
    """What a handler leaves alone is closed when it has answered: the other end of the pipe notices."""
    reading, writing = os.pipe()
    client.call(shop.keep, Descriptor(writing))
    client.call(shop.price, "apple")
    assert os.read(reading, 1) == b""
    os.close(reading)
