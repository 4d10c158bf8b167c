"""Whom the manager of root's node becomes."""

from __future__ import annotations

from snowfox.core.posix.api import Ids
from snowfox.daemon.identity import manager_ids
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import MANAGER_UIDS

STORE = "/var/lib/snowfox/projects/0123456789abcdef"


def test_user_snowfox_where_there_is_one() -> None:
    """A user of that name is taken, with its group and no other."""
    kernel = FakeKernel()
    kernel.add_user("snowfox", 990, groups=("docker",))
    assert manager_ids(FakePosix(kernel), STORE) == Ids(990, 990, (990,))


def test_else_an_unused_uid_that_stays() -> None:
    """The same project gets the same uid, also before its store exists."""
    kernel = FakeKernel()
    root = FakePosix(kernel)
    ids = manager_ids(root, STORE)
    assert ids.uid in MANAGER_UIDS
    assert ids == manager_ids(root, STORE) == Ids(ids.uid, ids.uid, (ids.uid,))


def test_the_owner_of_the_store_is_kept() -> None:
    """A store that is there decides, so that it can be read."""
    kernel = FakeKernel()
    kernel.folder(STORE, ids=Ids(65000, 65000, (65000,)), mode=0o700)
    assert manager_ids(FakePosix(kernel), STORE).uid == 65000


def test_a_uid_in_use_is_passed_over() -> None:
    """Neither a user's number nor that of another node's manager is taken."""
    kernel = FakeKernel()
    root = FakePosix(kernel)
    first = manager_ids(root, STORE).uid
    kernel.add_user("somebody", first)
    second = manager_ids(root, STORE).uid
    kernel.folder("/var/lib/snowfox/projects/other", ids=Ids(second, second, (second,)))
    third = manager_ids(root, STORE).uid
    assert len({first, second, third}) == 3


def test_a_store_of_root_does_not_make_the_manager_root() -> None:
    """Whatever owns the store, the manager's uid is never 0."""
    kernel = FakeKernel()
    kernel.folder(STORE)
    kernel.add_user("snowfox", 0)
    assert manager_ids(FakePosix(kernel), STORE).uid in MANAGER_UIDS
