"""Addresses as people write them."""

from __future__ import annotations

import pytest

from snowfox.core.posix.address import Address, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("tcp", "127.0.0.1", 80)),
        ("[::1]:80", Address("tcp", "::1", 80)),
        ("udp:127.0.0.1:53", Address("udp", "127.0.0.1", 53)),
        ("udp:[::]:53", Address("udp", "::", 53)),
        ("unix:run/a.sock", Address("unix", path="run/a.sock")),
        ("unix:@name", Address("unix", path="@name")),
        ("unix-datagram:@name", Address("unix-datagram", path="@name")),
    ],
)
def test_read_and_printed(text, address) -> None:
    """Each form is read, and printed as it was written."""
    assert parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "host"), [("localhost:80", "127.0.0.1"), ("*:80", "0.0.0.0"), (":80", "0.0.0.0")]
)
def test_named_hosts(text, host) -> None:
    """The names that stand for numbers are read as these."""
    assert parse(text).host == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "80",
        "a",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:٣",
        "::1:80",
        "unix:",
        "unix:@",
        "unix:a\0b",
    ],
)
def test_refused(text) -> None:
    """What is no address is refused with its text in the sentence."""
    with pytest.raises(ValueError, match=r'^"') as caught:
        parse(text)
    assert text in str(caught.value)


def test_what_it_is() -> None:
    """Kinds are told apart by words, not by their text."""
    assert parse("unix:@a").is_abstract
    assert not parse("unix:a").is_abstract
    assert parse("unix-datagram:a").is_unix
    assert parse("unix-datagram:a").is_datagram
    assert parse("udp:1.2.3.4:5").is_datagram
    assert not parse("1.2.3.4:5").is_unix
    assert parse("[::]:5").is_v6
