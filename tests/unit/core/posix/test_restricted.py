"""A role's part of the kernel."""

from __future__ import annotations

import os

import pytest

from snowfox.core.posix.restricted import Restricted, all_calls
from snowfox.core.posix.roles import CLI, DAEMON, MANAGER, ROLES, SPAWNER
from snowfox.errors import NotRestrictedTo
from snowfox.testing.kernel import FakeKernel, FakePosix


@pytest.fixture
def posix():
    """A process on a fake kernel."""
    return FakePosix(FakeKernel())


def test_allowed_calls_work(posix) -> None:
    """A call on the list does what it does."""
    restricted = Restricted(posix, frozenset({"files.pipe", "files.write"}), role="daemon")
    _, writer = restricted.files.pipe()
    assert restricted.files.write(writer, b"abc") == 3


def test_others_are_refused(posix) -> None:
    """A call that is not listed names role and call, whatever its arguments, and does nothing."""
    restricted = Restricted(posix, frozenset({"files.read"}), role="daemon")
    for refused in (
        lambda: restricted.files.open("/tmp/a", os.O_CREAT | os.O_WRONLY),
        restricted.processes.fork,
        lambda: restricted.own.set_dumpable(dumpable=True),
        restricted.poller,
    ):
        with pytest.raises(NotRestrictedTo) as caught:
            refused()
        assert str(caught.value).startswith("daemon may not use ")
        assert "roles.py" in caught.value.hint
    assert posix.folders.names("/tmp") == []


def test_unknown_names(posix) -> None:
    """A list with a call that does not exist is a mistake, named."""
    with pytest.raises(ValueError, match=r"no such calls: files\.opne"):
        Restricted(posix, frozenset({"files.opne", "files.read"}), role="daemon")


@pytest.mark.parametrize("role", ROLES)
def test_roles_name_calls(role) -> None:
    """Each role's list holds only calls that exist, and not all of them."""
    assert ROLES[role] < all_calls()


def test_least_privilege() -> None:
    """Who launches, takes uids and owns is the spawner; the manager has no children; the daemon and cli take no uid."""
    assert not {name for name in MANAGER if name in {"processes.spawn", "processes.fork", "processes.reap"}}
    assert {role for role in ROLES if "folders.make_fifo" in ROLES[role]} == {"spawner"}
    assert {role for role in ROLES if "processes.take_descriptor" in ROLES[role]} == {"spawner"}
    assert "own.become" in SPAWNER & MANAGER
    assert "own.become" not in DAEMON | CLI
