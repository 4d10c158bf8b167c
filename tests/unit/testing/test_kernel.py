"""What the fake kernel offers to tests beyond the contract."""

from __future__ import annotations

from errno import EACCES, EMFILE, ENOSPC
from os import O_CREAT, O_RDONLY, O_WRONLY
from signal import SIGTERM

import pytest

from snowfox.core.posix.api import Spawn
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix, Gone, Stuck
from snowfox.values import Exit


@pytest.fixture
def kernel():
    """A host with one program."""
    made = FakeKernel()
    made.install("/bin/web", handles=(SIGTERM,))
    return made


def web(posix: FakePosix) -> int:
    """Start it."""
    return posix.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))


def test_fail_by_port(kernel) -> None:
    """A call fails only where its details match."""
    kernel.fail("bind", EACCES, port=80)
    posix = FakePosix(kernel)
    with pytest.raises(PosixError, match=r"cannot bind 0\.0\.0\.0:80: permission denied \(EACCES\)"):
        posix.sockets.bind("0.0.0.0:80")
    posix.sockets.bind("0.0.0.0:81")
    kernel.heal()
    posix.sockets.bind("0.0.0.0:80")


def test_fail_by_path_and_words(kernel) -> None:
    """Calls are named by their name or by the words of their error, and may fail a number of times."""
    posix = FakePosix(kernel)
    kernel.fail("files.open", ENOSPC, path="/tmp/a", times=1)
    kernel.fail("make a pipe", EMFILE)
    with pytest.raises(PosixError, match="ENOSPC"):
        posix.files.open("/tmp/a", O_CREAT | O_WRONLY)
    posix.files.open("/tmp/a", O_CREAT | O_WRONLY)
    with pytest.raises(PosixError, match="EMFILE"):
        posix.files.pipe()


def test_fail_of_one_process(kernel) -> None:
    """A failure may hit one process alone."""
    one, two = FakePosix(kernel), FakePosix(kernel)
    kernel.fail("pipe", EMFILE, process=one.own.pid())
    with pytest.raises(PosixError):
        one.files.pipe()
    two.files.pipe()


def test_signals_are_remembered(kernel) -> None:
    """A program that handles TERM lives on; the names of what came stay after its end and reaping."""
    posix = FakePosix(kernel)
    pid = web(posix)
    posix.processes.signal(posix.processes.open(pid), SIGTERM)
    assert kernel.process(pid).exit is None
    kernel.end(pid, Exit(code=1))
    assert posix.processes.exit_of(pid, reap=True) == Exit(code=1)
    assert kernel.process(pid).signals == ["TERM"]
    assert kernel.process(pid).is_reaped


def test_time_passes_while_waiting(kernel) -> None:
    """A wait moves the clock exactly to what happens, or to its end."""
    posix = FakePosix(kernel)
    pid = web(posix)
    poller = posix.poller()
    pidfd = posix.processes.open(pid)
    poller.add(pidfd)
    start = kernel.clock.now()
    kernel.after(3, lambda: kernel.end(pid, Exit(code=0)))
    assert poller.wait(1) == []
    assert kernel.clock.now() - start == pytest.approx(1)
    assert poller.wait(10) == [(pidfd, True, False)]
    assert kernel.clock.now() - start == pytest.approx(3)


def test_a_hang_is_told(kernel) -> None:
    """What would wait for ever raises instead of hanging the test."""
    posix = FakePosix(kernel)
    with pytest.raises(Stuck):
        posix.poller().wait(None)
    reader, _ = posix.files.pipe()
    posix.files.set_blocking(reader, blocking=True)
    with pytest.raises(Stuck):
        posix.files.read(reader, 1)


def test_a_lock_that_nobody_frees(kernel) -> None:
    """Waiting for a lock that another process holds raises; without waiting it is False, until the holder ends."""
    one, two = FakePosix(kernel), FakePosix(kernel)
    mine = one.files.open("/tmp/lock", O_CREAT | O_WRONLY)
    theirs = two.files.open("/tmp/lock", O_WRONLY)
    assert one.files.lock(mine, wait=False)
    assert not two.files.lock(theirs, wait=False)
    with pytest.raises(Stuck):
        two.files.lock(theirs, wait=True)
    kernel.end(one.own.pid(), Exit(signal=9))
    assert two.files.lock(theirs, wait=True)


def test_a_dead_process_calls_nothing(kernel) -> None:
    """Code of a process that was ended is a mistake of the test, told at once."""
    posix = FakePosix(kernel)
    kernel.end(posix.own.pid(), Exit(signal=9))
    with pytest.raises(AssertionError, match="ended"):
        posix.files.pipe()


def test_permissions(kernel) -> None:
    """A user is kept out of what is not theirs, and of ports of root."""
    kernel.write("/etc/secret", b"x", mode=0o600)
    kernel.add_user("shop", 1000, groups=("staff",))
    user = FakePosix(kernel, uid=1000)
    with pytest.raises(PosixError, match="EACCES"):
        user.files.open("/etc/secret", O_RDONLY)
    with pytest.raises(PosixError, match="EACCES"):
        user.sockets.bind("127.0.0.1:80")
    with pytest.raises(PosixError, match="EPERM"):
        user.processes.signal(user.processes.open(FakePosix(kernel).own.pid()), SIGTERM)
    staff = user.users.group_id("staff")
    assert staff in user.own.ids().groups


def test_init_reaps_orphans(kernel) -> None:
    """An orphan goes to init, which reaps it at its end; as process 1 we must do that ourselves."""
    posix = FakePosix(kernel)
    orphan = web(posix)
    kernel.end(posix.own.pid(), Exit(signal=9))
    assert kernel.process(orphan).parent == 1
    kernel.end(orphan, Exit(code=0))
    assert orphan not in kernel.processes
    first = FakePosix(kernel, pid=1)
    other = web(first)
    kernel.end(other, Exit(code=4))
    assert first.processes.any_exit() == (other, Exit(code=4))


def test_execute_and_leave(kernel) -> None:
    """A process that becomes a program goes no further in its own code, and keeps what is inherited."""
    posix = FakePosix(kernel)
    reader, writer = posix.files.pipe()
    posix.files.duplicate_to(writer, 1, inherited=True)
    with pytest.raises(Gone):
        posix.own.execute("/bin/web", ("web", "a"), {"A": "b"})
    process = kernel.process(posix.own.pid())
    assert (process.program, process.arguments, process.environment) == ("/bin/web", ("web", "a"), {"A": "b"})
    assert reader not in process.descriptors
    assert 1 in process.descriptors


def test_a_kernel_that_does_not_tell_exits() -> None:
    """Before Linux 6.15 a pidfd tells nothing of who was reaped."""
    kernel = FakeKernel(tells_exits=False)
    kernel.install("/bin/web")
    posix = FakePosix(kernel)
    pid = web(posix)
    pidfd = posix.processes.open(pid)
    kernel.end(pid, Exit(code=3))
    posix.processes.reap(pid)
    assert posix.processes.exit_by_descriptor(pidfd) is None
    assert not posix.processes.signal(pidfd, SIGTERM)


def test_a_descriptor_in_flight_is_held(kernel) -> None:
    """A pipe's end that is on its way in a socket keeps the pipe open; dropped with the socket, it closes."""
    posix = FakePosix(kernel)
    one, other = posix.sockets.pair()
    reader, writer = posix.files.pipe()
    posix.sockets.send(one, b"m", (writer,))
    posix.files.close(writer)
    assert posix.files.read(reader, 1) is None
    posix.files.close(other)
    assert posix.files.read(reader, 1) == b""
