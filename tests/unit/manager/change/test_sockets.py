"""Why an address cannot be had, as people see it."""

import pytest

from snowfox.errors import NotPermitted, PosixError
from snowfox.manager.change.sockets import problem


def test_the_socket_is_named_once() -> None:
    """Whatever it is called, and whoever found the problem; advice stands below."""
    named = NotPermitted("cannot open 0.0.0.0:80 for socket b: not allowed by policy", "allow it")
    assert problem(named, "b") == f"{named}\n   allow it"
    for name in ("in", "front", "8080"):
        unnamed = PosixError("bind", "127.0.0.1:8080", 98)
        assert problem(unnamed, name) == f"{unnamed} for socket {name}"


@pytest.mark.parametrize(
    ("holder", "advice"),
    [
        ("socket b of this node (127.0.0.1:80)", "apply without 127.0.0.1:80 first"),
        ("socket a of this node (127.0.0.1:80)", "apply without socket a first, or keep its name"),
    ],
)
def test_what_one_of_ours_holds_has_advice(holder: str, advice: str) -> None:
    """It cannot go before all else is ready: an address that is widened, a socket that is renamed."""
    error = PosixError("open", "0.0.0.0:80 for socket b", 98, f"held by {holder}")
    assert problem(error, "b").splitlines()[1:] == [
        f"   held by {holder}",
        f"   what goes ends only after all else is ready: {advice}",
    ]


def test_what_another_program_holds_is_not_ours_to_end() -> None:
    """Its name is all that can be told."""
    error = PosixError("open", "0.0.0.0:80 for socket b", 98, "held by nginx (pid 812)")
    assert problem(error, "b").splitlines()[1:] == ["   held by nginx (pid 812)"]
