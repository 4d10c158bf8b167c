"""Why an address cannot be had, as people see it."""

from snowfox.errors import NotPermitted, PosixError
from snowfox.manager.change.sockets import problem


def test_the_socket_is_named_once() -> None:
    """Whatever it is called, and whoever found the problem; advice stands below."""
    named = NotPermitted("cannot open 0.0.0.0:80 for socket b: not allowed by policy", "allow it")
    assert problem(named, "b") == f"{named}\n   allow it"
    for name in ("in", "front", "8080"):
        unnamed = PosixError("bind", "127.0.0.1:8080", 98)
        assert problem(unnamed, name) == f"{unnamed} for socket {name}"


def test_what_one_of_ours_holds_has_advice() -> None:
    """It cannot go before all else is ready."""
    error = PosixError("open", "0.0.0.0:80 for socket b", 98, "held by socket a of this node (127.0.0.1:80)")
    assert problem(error, "b").splitlines()[2].startswith("   what goes ends only after all else is ready")
