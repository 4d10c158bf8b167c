"""What the manager tells of itself."""

from __future__ import annotations

from typing import cast

from snowfox.core.deadline import NO_END
from snowfox.core.posix.api import Credentials, Users
from snowfox.core.promise import Promise
from snowfox.core.rpc.serving import Caller
from snowfox.core.trace import Trace, within
from snowfox.manager.looking import name_of, promises


class NoUsers:
    """A host that knows nobody."""

    def by_uid(self, uid: int) -> None:
        """Nobody."""


async def test_what_is_awaited() -> None:
    """The oldest first, as many as asked for; without a deadline -1; settled ones are not told."""
    made = Promise[int].make
    with within(Trace("t", "c")):
        first, one = made("first", deadline=NO_END)
    second, other = made("second", deadline=0.0)
    found = promises(1)
    assert (found.total, len(found.oldest)) == (2, 1)
    line = found.oldest[0]
    assert (line.name, line.left, line.trace) == ("first", -1, "t")
    assert 0 <= line.age < 60_000
    assert "test_looking.py" in line.maker
    assert [(line.name, line.left, line.trace) for line in promises(10).oldest][1] == ("second", 0, "")
    assert promises(-5) == (2, [])
    one.resolve(1)
    other.resolve(1)
    assert first.is_settled
    assert second.is_settled
    assert promises(10) == (0, [])


def test_names() -> None:
    """By the kernel, else by the certificate, else nothing."""
    users = cast("Users", NoUsers())
    assert name_of(Caller(Credentials(1, 12345, 1)), users) == "uid 12345"
    assert name_of(Caller(None, "node-2"), users) == "node-2"
    assert name_of(Caller(None), users) == ""
