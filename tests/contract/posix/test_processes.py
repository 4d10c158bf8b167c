"""Processes by every kernel."""

from __future__ import annotations

import errno
import os
from signal import SIGKILL, SIGTERM

import pytest

from snowfox.core.posix.api import Ids, Spawn
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakePosix, Gone
from snowfox.values import Exit


def number_of(act) -> int:
    """The errno with which this is refused."""
    with pytest.raises(PosixError) as caught:
        act()
    return caught.value.errno


def test_exit_codes(world) -> None:
    """A child's exit code is told, once."""
    assert world.exit_of(world.start("true")) == Exit(code=0)
    pid = world.start("false")
    assert world.exit_of(pid) == Exit(code=1)
    assert number_of(lambda: world.posix.processes.exit_of(pid, reap=True)) == errno.ECHILD


def test_missing_program(world) -> None:
    """A program that is not there is refused by spawn itself, by name."""
    with pytest.raises(PosixError) as caught:
        world.posix.processes.spawn(Spawn("/bin/no-such", ("x",), {}, (), session=False))
    assert str(caught.value) == "cannot start /bin/no-such: no such file or directory (ENOENT)"
    assert world.posix.processes.any_exit() is None


def test_not_executable(world) -> None:
    """A file without the executable bit is refused."""
    world.put("a", b"x")
    order = Spawn(world.path("a"), ("x",), {}, (), session=False)
    assert number_of(lambda: world.posix.processes.spawn(order)) == errno.EACCES


def test_a_running_child(world) -> None:
    """It has no exit yet, is not reaped, and its descriptor is silent."""
    pid = world.start("sleep", "60")
    pidfd = world.posix.processes.open(pid)
    assert world.posix.processes.exit_of(pid, reap=True) is None
    assert number_of(lambda: world.posix.processes.reap(pid)) == errno.EAGAIN
    assert world.posix.processes.any_exit() is None
    assert not world.readable(pidfd, 0)
    assert world.posix.processes.exit_by_descriptor(pidfd) is None


def test_signal_ends_a_child(world) -> None:
    """A signal by pidfd reaches exactly that process, whose exit names it; signal 0 only asks."""
    pid = world.start("sleep", "60")
    pidfd = world.posix.processes.open(pid)
    assert world.posix.processes.signal(pidfd, 0)
    assert world.posix.processes.signal(pidfd, SIGTERM)
    assert world.readable(pidfd)
    assert world.posix.processes.exit_of(pid, reap=False) == Exit(signal=15)
    assert world.posix.processes.any_exit() == (pid, Exit(signal=15))
    found = world.posix.processes.identity(pid)
    assert found is not None
    assert found.state == "Z"
    assert world.posix.processes.signal(pidfd, 0)  # as long as its number is its own
    assert world.exit_of(pid) == Exit(signal=15)
    assert not world.posix.processes.signal(pidfd, 0)
    assert not world.posix.processes.signal(pidfd, SIGTERM)
    assert world.posix.processes.identity(pid) is None
    assert world.posix.processes.any_exit() is None


def test_reap(world) -> None:
    """A reaped pid is nobody's."""
    pid = world.start("true")
    pidfd = world.posix.processes.open(pid)
    assert world.readable(pidfd)
    world.started.remove(pid)
    world.posix.processes.reap(pid)
    assert number_of(lambda: world.posix.processes.open(pid)) == errno.ESRCH
    assert number_of(lambda: world.posix.processes.reap(pid)) == errno.ECHILD


def test_exit_by_descriptor(world) -> None:
    """The pidfd of a process that was reaped by anybody still tells how it ended (PIDFD_GET_INFO)."""
    for words, expected in ((("false",), Exit(code=1)), (("sleep", "60"), Exit(signal=9))):
        pid = world.start(*words)
        pidfd = world.posix.processes.open(pid)
        world.posix.processes.signal(pidfd, SIGKILL) if words[0] == "sleep" else None
        assert world.exit_of(pid) == expected
        if world.fake is None and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 15):
            pytest.skip("Linux tells the exit of a reaped process from 6.15 on")
        assert world.posix.processes.exit_by_descriptor(pidfd) == expected


def test_not_a_pidfd(world) -> None:
    """Another descriptor cannot be signalled."""
    reader, _ = world.posix.files.pipe()
    assert number_of(lambda: world.posix.processes.signal(reader, SIGTERM)) == errno.EBADF


def test_group(world) -> None:
    """A session of its own is a group, which a signal reaches as a whole; then it is empty."""
    pid = world.start("sleep", "60", session=True)
    found = world.posix.processes.identity(pid)
    assert found is not None
    assert (found.session, found.group, found.parent) == (pid, pid, world.posix.own.pid())
    assert world.posix.processes.signal_group(pid, SIGTERM)
    assert world.exit_of(pid) == Exit(signal=15)
    assert not world.posix.processes.signal_group(pid, SIGTERM)


@pytest.mark.parametrize("group", [1, 0, -5])
def test_groups_that_mean_others(world, group) -> None:
    """0, -1 and negative groups, which kill(2) understands as other processes, are refused."""
    assert number_of(lambda: world.posix.processes.signal_group(group, SIGTERM)) == errno.EINVAL


def test_without_a_session(world) -> None:
    """Without `session` a child stays in ours."""
    ours = world.posix.processes.identity(world.posix.own.pid())
    theirs = world.posix.processes.identity(world.start("sleep", "60"))
    assert ours is not None
    assert theirs is not None
    assert (theirs.session, theirs.group) == (ours.session, ours.group)


def test_identity(world) -> None:
    """Ours: our uid, started before now, one of all processes."""
    pid = world.posix.own.pid()
    found = world.posix.processes.identity(pid)
    assert found is not None
    assert (found.pid, found.uid) == (pid, world.posix.own.ids().uid)
    assert found.started <= world.posix.own.uptime()
    assert found.started % 10_000_000 == 0
    assert pid in world.posix.processes.all()


def test_descriptors_are_mapped(world) -> None:
    """A child writes to what it was given as its output."""
    reader, writer = world.posix.files.pipe()
    pid = world.start("echo", "a b", descriptors=((writer, 1),))
    world.posix.files.close(writer)
    assert world.exit_of(pid) == Exit(code=0)
    assert world.posix.files.read(reader, 100) == b"a b\n"
    assert world.posix.files.read(reader, 100) == b""


def test_descriptors_that_change_places(world) -> None:
    """Pairs that would overwrite one another are mapped as if all at once."""
    reader, writer = world.posix.files.pipe()
    files = world.posix.files
    files.duplicate_to(files.duplicate(0), 201, inherited=False)
    files.duplicate_to(writer, 200, inherited=False)
    files.close(writer)
    pid = world.start("echo", "x", descriptors=((201, 200), (200, 201), (200, 1)))
    files.close(200)
    assert world.exit_of(pid) == Exit(code=0)
    assert files.read(reader, 100) == b"x\n"


def test_same_number(world) -> None:
    """A pair of equal numbers is inherited under that number."""
    reader, writer = world.posix.files.pipe()
    world.posix.files.duplicate_to(writer, 1, inherited=False) if world.fake else None
    pid = world.start("echo", "x", descriptors=((writer, writer), (writer, 1)))
    world.posix.files.close(writer)
    assert world.exit_of(pid) == Exit(code=0)
    assert (world.posix.files.read(reader, 100) or b"").endswith(b"x\n")


def test_others_are_closed(world) -> None:
    """What is not listed is closed by exec: a reader sees the end while the child lives."""
    reader, writer = world.posix.files.pipe()
    pid = world.start("sleep", "60")
    world.posix.files.close(writer)
    assert world.readable(reader)
    assert world.posix.files.read(reader, 1) == b""
    assert world.posix.processes.exit_of(pid, reap=False) is None


def test_fork(world) -> None:
    """A child has its own pid and us as its parent, and leaves with its code."""
    parent = world.posix.own.pid()

    def act(child) -> None:
        assert child.own.pid() != parent
        assert child.own.parent() == parent

    assert world.exit_of(world.in_child(act)) == Exit(code=0)


def test_leave(world) -> None:
    """A process leaves with a code, and nothing after it runs."""
    assert world.exit_of(world.in_child(lambda child: child.own.leave(7))) == Exit(code=7)


def test_lock_shared_with_a_child(world) -> None:
    """A lock taken before a fork is held until parent and child have closed it."""
    world.put("a", b"")
    files = world.posix.files
    held = files.open(world.path("a"), os.O_RDWR)
    assert files.lock(held, wait=False)
    pid = world.start("sleep", "60", descriptors=((held, 9),))
    files.close(held)
    other = files.open(world.path("a"), os.O_RDWR)
    assert not files.lock(other, wait=False)
    pidfd = world.posix.processes.open(pid)
    world.posix.processes.signal(pidfd, SIGKILL)
    assert world.readable(pidfd)
    assert files.lock(other, wait=False)


def test_launch_steps(world) -> None:
    """A forked child can do every step of a launch, and becomes the program."""
    reader, writer = world.posix.files.pipe()
    ids = world.posix.own.ids()
    target = Ids(4242, 4243, (4243, 4244)) if world.is_root else ids

    def act(child) -> None:
        child.own.new_session()
        child.limits.set("NOFILE", 100, 200)
        child.own.umask(0o027)
        child.own.become(target)
        assert child.own.ids() == target
        child.own.change_folder("/tmp")
        child.own.set_no_new_privileges()
        child.files.duplicate_to(writer, 1, inherited=True)
        child.own.close_range(3)
        child.own.execute("/bin/echo", ("echo", "launched"), {"A": "b"})

    pid = world.in_child(act)
    world.posix.files.close(writer)
    assert world.exit_of(pid) == Exit(code=0)
    assert world.posix.files.read(reader, 100) == b"launched\n"


def test_a_step_that_fails(world) -> None:
    """A step that the kernel refuses raises in the child with its errno."""
    for act, number in (
        (lambda child: child.own.change_folder(world.path("none")), errno.ENOENT),
        (lambda child: child.own.execute(world.path("none"), ("x",), {}), errno.ENOENT),
        (lambda child: (child.own.new_session(), child.own.new_session()), errno.EPERM),
    ):
        assert world.exit_of(world.in_child(act)) == Exit(code=number)


def test_no_way_back(world) -> None:
    """Who gave up root cannot be it again, nor anybody else; without root nobody becomes another."""

    def act(child) -> None:
        if world.is_root:
            child.own.become(Ids(4242, 4242, (4242,)))
        child.own.become(Ids(4545, 4545, (4545,)))

    assert world.exit_of(world.in_child(act)) == Exit(code=errno.EPERM)


def test_become_oneself(world) -> None:
    """Anybody may become what they are."""
    assert world.exit_of(world.in_child(lambda child: child.own.become(child.own.ids()))) == Exit(code=0)


def test_take_descriptor(world) -> None:
    """Root takes a duplicate of another process's descriptor; whoever it is, a number that is not open is EBADF."""
    if not world.is_root:
        pytest.skip("needs root, or Yama's leave")
    reader, writer = world.posix.files.pipe()
    pid = world.start("sleep", "60", descriptors=((writer, 9),))
    world.posix.files.close(writer)
    pidfd = world.posix.processes.open(pid)
    taken = world.posix.processes.take_descriptor(pidfd, 9)
    world.posix.files.write(taken, b"x")
    assert world.posix.files.read(reader, 10) == b"x"
    assert number_of(lambda: world.posix.processes.take_descriptor(pidfd, 77)) == errno.EBADF


def test_subreaper(world) -> None:
    """An orphan below a sub-reaper becomes its child, which can wait for it."""

    def act(child) -> None:
        child.own.set_subreaper()
        poller = child.poller()
        notes, told = child.files.pipe()
        middle = child.processes.spawn(order(told)) if world.fake is None else fake_middle(world, child, told)
        assert child.processes.exit_of(wait(child, poller, middle), reap=True) == Exit(code=0)
        orphan = int((child.files.read(notes, 100) or b"").split()[0])
        found = child.processes.identity(orphan)
        assert found is not None
        assert found.parent == child.own.pid()
        pidfd = child.processes.open(orphan)
        child.processes.signal(pidfd, SIGKILL)
        assert child.processes.exit_of(wait(child, poller, orphan), reap=True) == Exit(signal=9)

    assert world.exit_of(world.in_child(act)) == Exit(code=0)


def order(told: int) -> Spawn:
    """A shell that starts a program, tells its pid and ends."""
    return Spawn(
        "/bin/sh", ("sh", "-c", "sleep 60 & echo $!"), {"PATH": "/bin:/usr/bin"}, ((told, 1),), session=False
    )


def fake_middle(world, child, told: int) -> int:
    """The same by hand: a process that starts one and leaves."""
    pid = child.processes.fork()
    middle = FakePosix(world.fake.kernel, pid=pid)
    orphan = middle.processes.spawn(Spawn("/bin/sleep", ("sleep", "60"), {}, (), session=False))
    middle.files.write(told, b"%d\n" % orphan)
    with pytest.raises(Gone):
        middle.own.leave(0)
    return pid


def wait(child, poller, pid: int) -> int:
    """Until it ended; its pid."""
    pidfd = child.processes.open(pid)
    poller.add(pidfd)
    assert poller.wait(10)
    poller.discard(pidfd)
    child.files.close(pidfd)
    return pid
