"""Starting, watching and reaping, on the fake kernel."""

from __future__ import annotations

import os
from errno import EAGAIN, EMFILE
from signal import SIGKILL

import pytest

from snowfox.contract.record import Started, launched_line, parse
from snowfox.contract.start import Node
from snowfox.core.posix.api import Ids, Spawn
from snowfox.daemon import keeper
from snowfox.daemon.children import Children, Setting
from snowfox.daemon.early import Ahead
from snowfox.daemon.events import MANAGER, SPAWNER, OrphanReaped
from snowfox.daemon.folders import open_home, open_places
from snowfox.daemon.orphans import Orphans
from snowfox.errors import HostError, PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.values import Exit

TOKEN = "web@1~01JD0000000000000000000000"
PYTHON = "/usr/bin/python3"


class Host:
    """A daemon with its folders."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/srv/shop")
        self.kernel.folder("/dev")
        self.kernel.install(PYTHON)
        self.posix = FakePosix(self.kernel)
        self.posix.own.set_subreaper()
        self.kernel.write("/etc/snowfox/policy.toml", b"users = []\n")
        project, home = open_home(self.posix, "/srv/shop")
        self.places = open_places(self.posix, project, home, path="/srv/shop/.snowfox", owner=61200)
        self.log = self.posix.files.open("/srv/node.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.null = self.posix.files.open("/srv/null", os.O_RDWR | os.O_CREAT)
        self.children = Children(
            self.posix,
            self.setting(),
            Orphans(self.posix, self.places.launches),
            Ahead(self.posix, self.kernel.clock, None),
        )

    def setting(self, policy: str = "") -> Setting:
        """What processes are started with."""
        node = Node("/srv/shop", policy=policy, python=PYTHON, boot="/opt/boot.py", paths=("/opt/site",))
        environment = {"PATH": "/bin", "SECRET": "x"}
        manager = Ids(61200, 61200, (61200,))
        return Setting(node, self.places, self.log, self.null, manager, environment, (1024, 4096))

    def pid(self, role: str) -> int:
        """Of the last one started."""
        text = self.posix.files.read_at(
            self.posix.files.open(f"/srv/shop/.snowfox/run/{role}", os.O_RDONLY), 100, offset=0
        )
        return int(text.split()[0])

    def descriptors(self) -> int:
        """How many are open."""
        return len(self.posix.process.descriptors)


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def test_what_the_two_are_started_with(host: Host) -> None:
    """Words, listed descriptors only, a clean environment, a session of their own."""
    host.children.start(SPAWNER)
    host.children.start(MANAGER)
    spawner, manager = (host.kernel.process(host.pid(role)) for role in (SPAWNER, MANAGER))
    start = (PYTHON, "-I", "-S", "/opt/boot.py")
    home = ("--home", "/srv/shop/.snowfox")
    assert spawner.arguments == (*start, "spawner", *home, "--root", "--manager-uid", "61200")
    assert manager.arguments == (*start, "manager", "--path", "/opt/site", *home)
    assert sorted(spawner.descriptors) == [0, 1, 2, 3, 4, 5, 6]
    assert sorted(manager.descriptors) == [0, 1, 2, 3]
    assert spawner.environment == manager.environment == {"PATH": "/bin"}
    assert spawner.session == spawner.pid
    assert manager.session == manager.pid


def test_starting_leaves_only_what_is_needed(host: Host) -> None:
    """A session, a pidfd; the listener once; the manager's stderr."""
    before = host.descriptors()
    host.children.start(SPAWNER)
    assert host.descriptors() == before + 3
    host.children.start(MANAGER)
    assert host.children.new_ear() is not None
    assert host.children.new_ear() is None
    assert host.descriptors() == before + 6


@pytest.mark.parametrize("role", [SPAWNER, MANAGER])
def test_a_start_that_fails_leaks_nothing(host: Host, role: str) -> None:
    """No process, no descriptor, the reason as an error."""
    host.children.start(SPAWNER)
    before = host.descriptors()
    host.kernel.fail("processes.spawn", EAGAIN)
    with pytest.raises(PosixError):
        host.children.start(SPAWNER if role == SPAWNER else MANAGER)
    assert host.children.new_ear() is None
    assert host.descriptors() == before


def test_a_pidfd_that_cannot_be_had_leaves_no_stranger(host: Host) -> None:
    """A process that we cannot watch is not left to run."""
    host.kernel.fail("processes.open", EMFILE)
    with pytest.raises(PosixError):
        host.children.start(MANAGER)
    host.kernel.heal()
    assert [one.exit for one in host.kernel.processes.values() if one.program == PYTHON] == [Exit(signal=9)]


def test_an_end_is_known_by_the_pidfd(host: Host) -> None:
    """Reaped, its exit is kept until the pidfd tells; then the pidfd is closed."""
    host.children.start(MANAGER)
    pid = host.pid(MANAGER)
    host.kernel.end(pid, Exit(code=3))
    assert host.children.reap() == ([], False)
    assert pid not in host.kernel.processes
    assert host.children.ended(MANAGER) == Exit(code=3)
    assert host.children.pidfd(MANAGER) == -1


def test_a_missing_policy_means_the_default(host: Host) -> None:
    """Without a name the file may be absent; a named one may not."""
    host.posix.folders.remove("/etc/snowfox/policy.toml")
    host.kernel.write("/dev/null", b"")
    host.children.start(SPAWNER)
    named = Children(
        host.posix,
        host.setting("/etc/other.toml"),
        Orphans(host.posix, host.places.launches),
        Ahead(host.posix, host.kernel.clock, None),
    )
    with pytest.raises(HostError, match=r"cannot read the policy: cannot open /etc/other\.toml"):
        named.start(SPAWNER)


def launched(host: Host, token: str = TOKEN) -> int:
    """A service of the spawner, with its record."""
    spawner = FakePosix(host.kernel, pid=host.pid(SPAWNER))
    host.kernel.install("/bin/web")
    pid = spawner.processes.spawn(Spawn("/bin/web", ("web",), {}, (), session=True))
    line = launched_line(
        Started(pid, host.kernel.clock.boot(), host.kernel.boot_id, host.kernel.pid_namespace)
    )
    host.kernel.write(f"/srv/shop/.snowfox/run/launches/{token}", line, mode=0o600)
    return pid


def test_orphans_found_before_the_death_of_their_spawner(host: Host) -> None:
    """Spawner and service die at once; whichever is seen first, the exit is written."""
    host.children.start(SPAWNER)
    pid = launched(host)
    host.kernel.end(host.pid(SPAWNER), Exit(signal=SIGKILL))
    host.kernel.end(pid, Exit(code=7))
    told, more = host.children.reap()
    assert told == [OrphanReaped(TOKEN, Exit(code=7))]
    assert not more
    opened = host.posix.files.open(f"/srv/shop/.snowfox/run/launches/{TOKEN}", os.O_RDONLY)
    assert parse(host.posix.files.read(opened, 4096) or b"").exit == Exit(code=7)
    assert pid not in host.kernel.processes


def test_a_storm_is_reaped_in_turns(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not more than so many in one turn, and the rest is not forgotten."""
    monkeypatch.setattr("snowfox.daemon.children.MOST_AT_ONCE", 3)
    host.kernel.install("/bin/x")
    for _ in range(5):
        pid = host.posix.processes.spawn(Spawn("/bin/x", ("x",), {}, (), session=True))
        host.kernel.end(pid, Exit(code=0))
    assert host.children.reap() == ([], True)
    assert host.children.reap() == ([], False)
    assert host.posix.processes.any_exit() is None


def test_a_spawner_that_was_taken_over_is_watched_and_killed_alike(host: Host) -> None:
    """It is no child of ours; its pidfd is enough."""
    stranger = FakePosix(host.kernel)
    found = keeper.Found(-1, stranger.own.pid(), host.posix.processes.open(stranger.own.pid()))
    host.children.take_over(found)
    host.children.kill(SPAWNER)
    assert host.children.pidfd(SPAWNER) == found.pidfd
    assert host.children.ended(SPAWNER) == Exit(signal=9)
