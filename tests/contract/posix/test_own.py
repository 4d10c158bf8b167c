"""What a process is, its users and limits, by every kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.errors import PosixError


def number_of(act) -> int:
    """The errno with which this is refused."""
    with pytest.raises(PosixError) as caught:
        act()
    return caught.value.errno


def test_boot(world) -> None:
    """The boot id is one line that stays; the boot-time clock does not go back."""
    own = world.posix.own
    assert own.boot() == own.boot()
    assert len(own.boot()) == 36
    assert own.pid_namespace() > 0
    assert 0 < own.uptime() <= own.uptime()


def test_ids(world) -> None:
    """Groups are in increasing order."""
    ids = world.posix.own.ids()
    assert list(ids.groups) == sorted(ids.groups)


def test_settings_of_a_process(world) -> None:
    """What a process may set for itself is accepted from anybody."""

    def act(child) -> None:
        child.own.set_no_new_privileges()
        child.own.set_dumpable(dumpable=False)
        child.own.set_dumpable(dumpable=True)
        child.own.set_subreaper()

    ended = world.exit_of(world.in_child(act))
    assert ended is not None
    assert ended.code == 0


def test_nice(world) -> None:
    """Anybody may be nicer; to be less so again is for root."""

    def act(child) -> None:
        child.own.set_nice(7)
        if child.own.ids().uid != 0:
            assert number_of(lambda: child.own.set_nice(3)) == errno.EACCES

    ended = world.exit_of(world.in_child(act))
    assert ended is not None
    assert ended.code == 0


def test_change_folder(world) -> None:
    """Relative paths begin in the folder that was changed to, by path or descriptor."""

    def act(child) -> None:
        child.own.change_folder(world.folder)
        child.folders.make("d", 0o700)
        child.own.change_folder(child.files.open("d", 0))
        child.folders.make("e", 0o700)

    world.exit_of(world.in_child(act))
    assert world.posix.folders.names(world.path("d")) == ["e"]


def test_root_is_known(world) -> None:
    """Root is found by name and number; unknown names are None."""
    users = world.posix.users
    root = users.by_name("root")
    assert root is not None
    assert (root.name, root.uid) == ("root", 0)
    assert users.by_uid(0) == root
    assert root.gid in users.groups(root)
    assert users.group_id("root") == root.gid
    assert users.by_name("no-such-user") is None
    assert users.by_uid(3_999_999_999) is None
    assert users.taken([0, 3_999_999_999]) == {0}
    assert users.group_id("no-such-group") is None


def test_limits(world) -> None:
    """The soft limit moves below the hard one, and no further."""
    limits = world.posix.limits
    soft, hard = limits.get("NOFILE")
    try:
        limits.set("NOFILE", hard - 1, hard)
        assert limits.get("NOFILE") == (hard - 1, hard)
        assert number_of(lambda: limits.set("NOFILE", hard, hard - 1)) == errno.EINVAL
    finally:
        limits.set("NOFILE", soft, hard)


def test_unknown_limit(world) -> None:
    """A name that is no limit is refused."""
    assert number_of(lambda: world.posix.limits.get("SLEEP")) == errno.EINVAL
    assert number_of(lambda: world.posix.limits.set("SLEEP", 1, 1)) == errno.EINVAL


def test_raise_hard_limit(world) -> None:
    """Without root (more exactly CAP_SYS_RESOURCE, which containers often lack) a hard limit only goes down."""

    def act(child) -> None:
        child.limits.set("CORE", 0, 0)
        child.limits.set("CORE", 0, 1)

    ended = world.exit_of(world.in_child(act))
    assert ended is not None
    assert ended.code in ({0, errno.EPERM} if world.is_root else {errno.EPERM})
