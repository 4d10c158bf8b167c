"""Endpoints, as a person writes them."""

import pytest

from snowfox.core.rpc.endpoint import Endpoint, Tls
from snowfox.errors import UsageError

TLS = Tls("a.pem", "c.pem", "k.pem")


def test_a_unix_path():
    """`unix:PATH` is a place; a folder may be given beside it."""
    assert Endpoint.parse("unix:run/manager.sock") == Endpoint("unix:run/manager.sock", None)
    assert Endpoint("unix:x", 7).folder == 7


def test_other_places():
    """TCP with and without TLS, in brackets for IPv6, an inherited socket, and this process."""
    assert Endpoint.parse("tcp:127.0.0.1:9000").host_and_port == ("127.0.0.1", 9000)
    assert Endpoint.parse("tls:[::1]:9000", tls=TLS).host_and_port == ("::1", 9000)
    assert [Endpoint.parse(text).kind for text in ("unix:x", "fd:3", "here:x")] == ["unix", "fd", "here"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unix:",
        "tcp:1",
        "localhost:80",
        "run/manager.sock",
        "tcp:h:0",
        "tcp:h:x",
        "tcp::1",
        "tcp:::1:80",
        "here:",
        "fd:",
        "fd:x",
    ],
)
def test_anything_else_is_refused(text):
    """What is no endpoint is refused with what was written."""
    with pytest.raises(UsageError, match="not an endpoint"):
        Endpoint.parse(text)


def test_tls_and_nothing_else_has_certificates():
    """One without the other is a mistake."""
    with pytest.raises(UsageError, match="no certificate"):
        Endpoint.parse("tls:h:1")
    with pytest.raises(UsageError, match="tls: only"):
        Endpoint.parse("tcp:h:1", tls=TLS)


def test_digests():
    """Equal for equal places; any part makes another."""
    places = [
        Endpoint("unix:x"),
        Endpoint("unix:x", 7),
        Endpoint("tls:h:1", tls=TLS),
        Endpoint("tls:h:1", tls=TLS._replace(name="n")),
    ]
    assert len({place.digest for place in places}) == 4
    assert Endpoint("unix:x").digest == Endpoint("unix:x").digest
