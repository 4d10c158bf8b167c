"""Names and dynamic uids."""

from __future__ import annotations

import pytest

from snowfox.core.posix.api import Ids
from snowfox.errors import UserError
from snowfox.spawner.accounts import Accounts
from snowfox.testing.clock import VirtualClock
from snowfox.testing.kernel import FakeKernel, FakePosix


def test_named_user() -> None:
    """A name becomes uid, gid and all groups."""
    kernel = FakeKernel()
    kernel.add_user("shop", 1000, groups=("team",))
    found = Accounts(FakePosix(kernel), kernel.clock).find("shop")
    assert (found.name, found.ids.uid, found.ids.gid, found.stays) == ("shop", 1000, 1000, False)
    assert set(found.ids.groups) == {1000, kernel.groups["team"]}


def test_dynamic_uid() -> None:
    """Digits in the dynamic range need no entry; others are refused."""
    accounts = Accounts(FakePosix(FakeKernel()), VirtualClock())
    assert accounts.find("61184").ids == Ids(61184, 61184, (61184,))
    assert accounts.find("64495").ids.uid == 64495
    for digits in ("0", "1000", "61183", "64496", "65519", "65520", "99999999999999"):
        with pytest.raises(UserError):
            accounts.find(digits)


def test_unknown_user() -> None:
    """There is no such user: said, with a hint."""
    with pytest.raises(UserError) as caught:
        Accounts(FakePosix(FakeKernel()), VirtualClock()).find("ghost")
    assert str(caught.value) == "no user ghost"


def test_own_user_stays() -> None:
    """In an ordinary user's node nothing is changed for that user, by name or by default."""
    kernel = FakeKernel()
    kernel.add_user("a", 1000)
    accounts = Accounts(FakePosix(kernel, uid=1000), kernel.clock)
    assert accounts.find("").stays
    assert accounts.find("a").stays
    assert accounts.find("").name == "a"


def test_a_deleted_user_is_missed_at_the_next_launch() -> None:
    """What was looked up is used for launches that follow at once, not longer."""
    clock = VirtualClock()
    kernel = FakeKernel(clock)
    kernel.add_user("shop", 1000)
    accounts = Accounts(FakePosix(kernel), clock)
    accounts.find("shop")
    del kernel.users["shop"]
    assert accounts.find("shop").ids.uid == 1000
    clock.advance("11ms")
    with pytest.raises(UserError):
        accounts.find("shop")
