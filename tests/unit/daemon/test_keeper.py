"""What outlives a spawner or a daemon."""

from __future__ import annotations

import os
from errno import EMFILE, ENOSPC

import pytest

from snowfox.contract.control import Kept
from snowfox.core.posix.api import Spawn
from snowfox.core.rpc.interface import Descriptor
from snowfox.daemon import keeper
from snowfox.errors import HostError, PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit


class Host:
    """A daemon, and processes that were there before it."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/run/node", mode=0o700)
        self.kernel.install("/bin/old")
        self.posix = FakePosix(self.kernel)
        self.run = self.posix.files.open("/run/node", os.O_RDONLY | os.O_DIRECTORY)

    def old(self, role: str) -> FakePosix:
        """A spawner or manager of a daemon that died."""
        before = FakePosix(self.kernel)
        pid = before.processes.spawn(Spawn("/bin/old", (role,), {}, (), session=True))
        run = before.files.open("/run/node", os.O_RDONLY | os.O_DIRECTORY)
        keeper.note(before, "spawner" if role == "spawner" else "manager", pid, run=run)
        return FakePosix(self.kernel, pid=pid)

    def look(self) -> keeper.Found | None:
        """What a new daemon finds."""
        return keeper.look(self.posix, self.kernel.clock, run=self.run)


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def listen(old: FakePosix) -> int:
    """Let a spawner wait for a daemon."""
    folder = old.files.open("/run/node", os.O_RDONLY | os.O_DIRECTORY)
    bound = old.sockets.bind("unix:spawner.sock", mode=0o600, folder=folder)
    old.sockets.listen(bound, 5)
    return bound


def test_nobody_there(host: Host) -> None:
    """A first start finds nothing."""
    assert host.look() is None


def test_a_spawner_that_stayed_is_found(host: Host) -> None:
    """By its socket, with the pidfd of the process that was noted."""
    old = host.old("spawner")
    listen(old)
    found = host.look()
    assert found is not None
    assert found.pid == old.own.pid()
    assert host.posix.processes.signal(found.pidfd, 0)


def test_a_spawner_without_a_note_is_known_by_the_kernel(host: Host) -> None:
    """Its daemon died before it wrote the note: who listens is asked."""
    old = FakePosix(host.kernel)
    listen(old)
    found = host.look()
    assert found is not None
    assert found.pid == old.own.pid()


def test_a_spawner_that_cannot_be_reached_is_ended(host: Host) -> None:
    """It lives but nobody can take it over: it must be gone before another starts."""
    old = host.old("spawner")
    assert host.look() is None
    assert host.kernel.process(old.own.pid()).signals == ["KILL"]


def test_a_pid_used_again_is_left_alone(host: Host) -> None:
    """The note names pid and start: another process with that pid is not killed."""
    other = FakePosix(host.kernel)
    host.kernel.write("/run/node/spawner", f"{other.own.pid()} 12345\n".encode())
    host.kernel.write("/run/node/manager", f"{other.own.pid()} 12345\n".encode())
    assert host.look() is None
    keeper.end_old_manager(host.posix, host.kernel.clock, run=host.run)
    assert host.kernel.process(other.own.pid()).signals == []


def test_an_old_manager_may_leave_by_itself(host: Host) -> None:
    """It is given two seconds, since it has things to put in order."""
    old = host.old("manager")
    host.kernel.after(1.0, lambda: host.kernel.end(old.own.pid(), Exit(code=0)))
    keeper.end_old_manager(host.posix, host.kernel.clock, run=host.run)
    assert host.kernel.process(old.own.pid()).signals == []


def test_a_hung_old_manager_is_killed(host: Host) -> None:
    """Two managers of one node never live at once."""
    old = host.old("manager")
    keeper.end_old_manager(host.posix, host.kernel.clock, run=host.run)
    assert host.kernel.process(old.own.pid()).signals[-1] == "KILL"


def socket(posix: FakePosix, port: int) -> int:
    """A listening socket."""
    bound = posix.sockets.bind(f"127.0.0.1:{port}")
    posix.sockets.listen(bound, 5)
    return bound


def test_a_full_disk_keeps_nobody_from_starting(host: Host) -> None:
    """A note that cannot be written is only missing: the process that it names runs already."""
    pid = host.posix.own.pid()
    host.kernel.fail("files.write", ENOSPC)
    keeper.note(host.posix, "spawner", pid, run=host.run)
    host.kernel.heal()
    assert keeper.look(host.posix, host.kernel.clock, run=host.run) is None


def test_kept_sockets_come_back_in_batches(host: Host) -> None:
    """All of them, as duplicates, never more in a message than the kernel passes."""
    host.posix.limits.set("NOFILE", 4096, 4096)
    sockets = keeper.Sockets(host.posix)
    for number in range(450):
        sockets.keep(Kept(f"s={number}", Descriptor(socket(host.posix, 20000 + number), host.posix)))
    batches = sockets.batches()
    assert [len(batch) for batch in batches] == [200, 200, 50]
    assert [kept.key for batch in batches for kept in batch] == [f"s={number}" for number in range(450)]
    assert host.posix.sockets.address(batches[2][49].socket.number) == "127.0.0.1:20449"


def test_the_same_key_replaces_and_release_closes(host: Host) -> None:
    """Nothing is held twice, nothing stays open."""
    sockets = keeper.Sockets(host.posix)
    before = len(host.kernel.process(host.posix.own.pid()).descriptors)
    for port in (20001, 20002):
        sockets.keep(Kept("web=a", Descriptor(socket(host.posix, port), host.posix)))
    sockets.release("web=a")
    sockets.release("unknown")
    assert len(host.kernel.process(host.posix.own.pid()).descriptors) == before
    assert sockets.batches() == []


def test_out_of_descriptors_restore_leaks_nothing(host: Host) -> None:
    """When a duplicate cannot be made, those made before are closed."""
    sockets = keeper.Sockets(host.posix)
    for number in range(3):
        sockets.keep(Kept(f"s={number}", Descriptor(socket(host.posix, 20000 + number), host.posix)))
    before = len(host.kernel.process(host.posix.own.pid()).descriptors)
    host.posix.limits.set("NOFILE", before + 2, 4096)
    with pytest.raises(PosixError) as caught:
        sockets.batches()
    assert caught.value.errno == EMFILE
    assert len(host.kernel.process(host.posix.own.pid()).descriptors) == before


def test_there_is_a_bound(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawner gone wild cannot fill the daemon."""
    monkeypatch.setattr(keeper, "MOST", 2)
    sockets = keeper.Sockets(host.posix)
    for number in range(2):
        sockets.keep(Kept(f"s={number}", Descriptor(socket(host.posix, 20000 + number), host.posix)))
    with pytest.raises(HostError, match="2 are kept already"):
        sockets.keep(Kept("s=3", Descriptor(socket(host.posix, 20003), host.posix)))
