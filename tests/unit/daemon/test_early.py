"""Children that were started before the daemon, on the fake kernel."""

from __future__ import annotations

import os
from errno import EMFILE

import pytest

from snowfox.contract.start import ORDER_HEAD, Early, Node, ordered
from snowfox.core.posix.api import Ids, Spawn
from snowfox.daemon.children import Children, Setting
from snowfox.daemon.early import Ahead
from snowfox.daemon.events import MANAGER, SPAWNER, Role
from snowfox.daemon.folders import open_home, open_places
from snowfox.daemon.orphans import Orphans
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit

PYTHON = "/usr/bin/python3"


class Host:
    """A daemon that was given both children."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        for folder in ("/srv/shop", "/dev"):
            self.kernel.folder(folder)
        self.kernel.install(PYTHON)
        self.kernel.write("/etc/snowfox/policy.toml", b"users = []\n")
        self.posix = FakePosix(self.kernel)
        project, home = open_home(self.posix, "/srv/shop")
        places = open_places(self.posix, project, home, path="/srv/shop/.snowfox", owner=61200)
        log = self.posix.files.open("/srv/node.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        null = self.posix.files.open("/srv/null", os.O_RDWR | os.O_CREAT)
        self.before = len(self.posix.process.descriptors)
        self.early = (self.child(SPAWNER), self.child(MANAGER))
        self.ahead = Ahead(self.posix, self.kernel.clock, self.early)
        node = Node("/srv/shop", python=PYTHON, boot="/opt/boot.py")
        setting = Setting(node, places, log, null, Ids(61200, 61200, (61200,)), {}, (1024, 4096))
        self.children = Children(self.posix, setting, Orphans(self.posix, places.launches), self.ahead)

    def child(self, role: Role) -> Early:
        """One, as the command line starts it."""
        ours, theirs = self.posix.sockets.pair()
        errors, writer = self.posix.files.pipe()
        pid = self.posix.processes.spawn(
            Spawn(PYTHON, (PYTHON, role), {}, ((theirs, 3), (writer, 2)), session=True)
        )
        for descriptor in (theirs, writer):
            self.posix.files.close(descriptor)
        for descriptor in (ours, errors):  # they came through an exec
            self.posix.files.duplicate_to(descriptor, descriptor, inherited=True)
        if role == MANAGER:
            return Early(role, pid, ours, errors)
        self.posix.files.close(errors)
        return Early(role, pid, ours)


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def test_those_whom_nobody_takes_are_gone(host: Host) -> None:
    """Killed, reaped, nothing of them stays open; a second time is fine."""
    host.ahead.end()
    host.ahead.end()
    assert not {child.pid for child in host.early} & set(host.kernel.processes)
    assert len(host.posix.process.descriptors) == host.before


def test_one_can_be_ended_alone(host: Host) -> None:
    """A spawner that stayed needs no other; the manager goes on."""
    host.ahead.end(SPAWNER)
    assert host.early[0].pid not in host.kernel.processes
    assert host.children.start(MANAGER) == host.early[1].session


def test_nothing_is_passed_on_by_accident(host: Host) -> None:
    """What they name was inherited, and is inherited by nobody else."""
    pid = host.posix.processes.spawn(Spawn(PYTHON, (PYTHON,), {}, (), session=True))
    assert set(host.kernel.process(pid).descriptors) == {0, 1, 2}


def test_both_are_taken_before_others_are_started(host: Host) -> None:
    """No process is made; the next start of the role makes one."""
    count = len(host.kernel.processes)
    assert [host.children.start(role) for role in (SPAWNER, MANAGER)] == [one.session for one in host.early]
    assert len(host.kernel.processes) == count
    ear = host.children.new_ear()
    assert ear is not None
    assert ear.descriptor == host.early[1].errors
    host.children.start(MANAGER)
    assert len(host.kernel.processes) == count + 1


def test_the_spawner_gets_what_it_would_have_inherited(host: Host) -> None:
    """Log, run folder, listener and policy, with the words about its rights, before anything else."""
    host.children.start(SPAWNER)
    theirs = FakePosix(host.kernel, pid=host.early[0].pid)
    received = theirs.sockets.receive(3, 4096, most=4)
    assert received is not None
    assert len(received.descriptors) == 4
    assert ordered(received.data[ORDER_HEAD:]) == ["--root", "--manager-uid", "61200"]
    assert theirs.sockets.is_listening(received.descriptors[2])
    assert theirs.files.read(received.descriptors[3], 100) == b"users = []\n"


@pytest.mark.parametrize("role", [SPAWNER, MANAGER])
def test_one_that_cannot_be_watched_is_not_left(host: Host, role: Role) -> None:
    """It is killed, the reason is an error, and the next is started anew."""
    host.kernel.fail("processes.open", EMFILE)
    with pytest.raises(PosixError):
        host.children.start(role)
    host.kernel.heal()
    pid = next(child.pid for child in host.early if child.role == role)
    assert host.kernel.processes[pid].exit == Exit(signal=9)
    host.children.start(role)
    assert host.children.pidfd(role) >= 0


def test_a_spawner_that_is_gone_is_replaced(host: Host) -> None:
    """It ended while it waited: that is an error of this start, and reaped."""
    host.kernel.end(host.early[0].pid, Exit(code=1))
    with pytest.raises(PosixError):
        host.children.start(SPAWNER)
    assert host.early[0].pid not in host.kernel.processes
    host.children.start(SPAWNER)
    assert host.children.pidfd(SPAWNER) >= 0
