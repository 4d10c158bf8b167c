"""A manager that was started before the daemon, on the fake kernel."""

from __future__ import annotations

import os
from errno import EMFILE

import pytest

from snowfox.contract.start import Early, Node
from snowfox.core.posix.api import Ids, Spawn
from snowfox.daemon.children import Children, Setting
from snowfox.daemon.early import Ahead
from snowfox.daemon.events import MANAGER, SPAWNER
from snowfox.daemon.folders import open_home, open_places
from snowfox.daemon.orphans import Orphans
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit

PYTHON = "/usr/bin/python3"


class Host:
    """A daemon that was given a manager."""

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
        self.early = self.child()
        self.ahead = Ahead(self.posix, self.kernel.clock, self.early)
        node = Node("/srv/shop", python=PYTHON, boot="/opt/boot.py")
        setting = Setting(node, places, log, null, Ids(61200, 61200, (61200,)), {}, (1024, 4096))
        self.children = Children(self.posix, setting, Orphans(self.posix, places.launches), self.ahead)

    def child(self) -> Early:
        """One, as the command line starts it."""
        ours, theirs = self.posix.sockets.pair()
        errors, writer = self.posix.files.pipe()
        pid = self.posix.processes.spawn(
            Spawn(PYTHON, (PYTHON, MANAGER), {}, ((theirs, 3), (writer, 2)), session=True)
        )
        for descriptor in (theirs, writer):
            self.posix.files.close(descriptor)
        for descriptor in (ours, errors):  # they came through an exec
            self.posix.files.duplicate_to(descriptor, descriptor, inherited=True)
        return Early(pid, ours, errors)


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def test_one_whom_nobody_takes_is_gone(host: Host) -> None:
    """Killed, reaped, nothing of it stays open; a second time is fine."""
    host.ahead.end()
    host.ahead.end()
    assert host.early.pid not in host.kernel.processes
    assert len(host.posix.process.descriptors) == host.before


def test_nothing_is_passed_on_by_accident(host: Host) -> None:
    """What it names was inherited, and is inherited by nobody else."""
    pid = host.posix.processes.spawn(Spawn(PYTHON, (PYTHON,), {}, (), session=True))
    assert set(host.kernel.process(pid).descriptors) == {0, 1, 2}


def test_it_is_taken_before_another_is_started(host: Host) -> None:
    """No process is made for it; the next start of a manager, and each of a spawner, makes one."""
    count = len(host.kernel.processes)
    assert host.children.start(MANAGER) == host.early.session
    assert len(host.kernel.processes) == count
    ear = host.children.new_ear()
    assert ear is not None
    assert ear.descriptor == host.early.errors
    host.children.start(MANAGER)
    host.children.start(SPAWNER)
    assert len(host.kernel.processes) == count + 2


def test_one_that_cannot_be_watched_is_not_left(host: Host) -> None:
    """It is killed, the reason is an error, and the next is started anew."""
    host.kernel.fail("processes.open", EMFILE)
    with pytest.raises(PosixError):
        host.children.start(MANAGER)
    host.kernel.heal()
    assert host.kernel.processes[host.early.pid].exit == Exit(signal=9)
    host.children.start(MANAGER)
    assert host.children.pidfd(MANAGER) >= 0
