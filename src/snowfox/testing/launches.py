"""The spawner's hands on a fake kernel, without sessions: what it holds, what is said to its core."""

from __future__ import annotations

import os

from snowfox.contract.record import FOLDER, Record, parse
from snowfox.contract.spawner import Launch
from snowfox.core.posix.api import Ids, Poller
from snowfox.spawner.adoption import Adoption
from snowfox.spawner.confining import Confining
from snowfox.spawner.events import Event
from snowfox.spawner.exits import Exits
from snowfox.spawner.groups import Groups
from snowfox.spawner.hearer import Ear
from snowfox.spawner.held import Held, Kit
from snowfox.spawner.hierarchy import Hierarchies
from snowfox.spawner.in_force import InForce
from snowfox.spawner.knocks import NOTICES, Knocks
from snowfox.spawner.launch import Limit
from snowfox.spawner.launching import Launching, Means
from snowfox.spawner.leftovers import Leftovers
from snowfox.spawner.policy import Account, Policy
from snowfox.spawner.ports import Ports
from snowfox.spawner.record import Records
from snowfox.spawner.secret import Secrets
from snowfox.spawner.succession import Succession
from snowfox.testing import launcher
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.kernel.process import FakeProcess

RUN = "/srv/shop/.snowfox/run"
ID = "01JD0000000000000000000000"
TOKEN = f"web~{ID}"
SHOP = Account("shop", Ids(1000, 1000, (1000,)), stays=False)
LAUNCH = Launch(TOKEN, "/usr/bin/web", ["web", "-v"], {"PATH": "/usr/bin"}, "/srv", "shop")


class FakeEar(Ear):
    """The spawner's own process on a fake kernel. `has_ended`: what the next `take` says, as of one that was killed."""

    def __init__(self, posix: FakePosix, poller: Poller) -> None:
        self._posix = posix
        self.descriptor = posix.signals.watch(NOTICES)
        poller.add(self.descriptor)
        self.hears = True
        self.has_ended = False

    def listens(self) -> int:
        """Its pid."""
        return self._posix.own.pid() if self.hears else 0

    def owns(self, descriptor: int) -> bool:
        """The descriptor of watched signals."""
        return descriptor == self.descriptor

    def take(self) -> tuple[int, ...] | None:
        """All that came."""
        return None if self.has_ended else self._posix.signals.take(self.descriptor)


class Bench:
    """One spawner on a kernel; another on the same kernel, after `die`, is its successor.

    Args:
        kernel: the host.
        daemon: the process above it, a sub-reaper.
    """

    def __init__(self, kernel: FakeKernel, daemon: FakePosix) -> None:
        self.kernel = kernel
        self.daemon = daemon
        kernel.folder(RUN, mode=0o700)
        self.posix = FakePosix(kernel, parent=daemon.process.pid)
        run = self.posix.files.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
        self.poller = self.posix.poller()
        self.records = Records(self.posix, run, manager=61184)
        self.groups = Groups(self.posix, Hierarchies(self.posix, "snowfox-test"))
        self.held = Held(self.posix, self.poller, self.records, self.groups)
        self.events: list[Event] = []
        self.kit = Kit(self.posix, kernel.clock, self.records, self.held, self.groups, self.events.append)
        self.policy = Policy(own=0, manager=61184, home="/srv/shop")
        self.rules = InForce(self.posix, self.policy)
        self.ports = Ports(self.posix, self.rules)
        self.ear = FakeEar(self.posix, self.poller)
        self.knocks = Knocks(self.posix, self.poller, self.ports, ear=self.ear)
        null = self.posix.files.open("/dev/null", os.O_RDWR)
        self.confining = Confining(self.posix, self.rules, self.groups, confines=True)
        maker = launcher.FakeLauncher(self.posix)
        self.launching = Launching(
            self.kit,
            Means(
                maker,
                self.ports,
                Secrets(self.posix, self.rules),
                self.confining,
                null,
                Limit("NOFILE", 1024, 4096),
            ),
        )
        self.exits = Exits(self.kit)
        self.adoption = Adoption(self.kit, self.exits)
        self.leftovers = Leftovers(self.kit)
        self.succession = Succession(self.kit, self.leftovers)

    def turn(self) -> list[Event]:
        """Look once at what descriptors say; all events since the last time."""
        self.launching.settle()
        self.launching.look()
        for descriptor, _, _ in self.poller.wait(0):
            token = self.held.whose(descriptor)
            if token is not None:
                self.launching.readable(descriptor, token)
        return self.said()

    def said(self) -> list[Event]:
        """All events since the last time."""
        events = self.events[:]
        self.events.clear()
        return events

    def begin(self, launch: Launch = LAUNCH) -> FakeProcess:
        """Launch, and let its program be executed."""
        self.launching.begin(launch, SHOP)
        self.turn()
        handle = self.held.get(launch.token)
        assert handle is not None
        return self.kernel.process(handle.pid)

    def record(self, token: str = TOKEN) -> Record | None:
        """What is in a record; None when there is none."""
        if token not in self.names():
            return None
        reader = FakePosix(self.kernel)
        opened = reader.files.open(f"{RUN}/{FOLDER}/{token}", os.O_RDONLY)
        return parse(reader.files.read(opened, 65536) or b"")

    def names(self) -> list[str]:
        """What is in the folder of records."""
        return sorted(FakePosix(self.kernel).folders.names(f"{RUN}/{FOLDER}"))

    def die(self) -> None:
        """SIGKILL."""
        self.kernel.signal(self.posix.process, 9)

    def reap_orphan(self, pid: int) -> None:
        """What the daemon does with a child that it got: write the exit, then reap."""
        found = self.daemon.processes.exit_of(pid, reap=False)
        assert found is not None
        self.daemon.processes.exit_of(pid, reap=True)


def host() -> tuple[FakeKernel, FakePosix]:
    """A kernel with a launcher, a program and users; the daemon on it."""
    kernel = FakeKernel()
    launcher.install(kernel)
    kernel.install("/usr/bin/web")
    kernel.add_user("shop", 1000)
    daemon = FakePosix(kernel)
    daemon.own.set_subreaper()
    return kernel, daemon
