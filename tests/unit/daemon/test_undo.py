"""What a refused first start leaves, on the fake kernel."""

from __future__ import annotations

import os

import pytest

from snowfox.contract.start import STORES
from snowfox.daemon import stores
from snowfox.daemon.folders import Places, open_home, open_places
from snowfox.daemon.undo import undo
from snowfox.testing.kernel import FakeKernel, FakePosix

HOME = "/srv/.snowfox"


class Host:
    """A node's folders, as a start makes them."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/srv")
        self.kernel.folder("/var/lib")
        self.posix = FakePosix(self.kernel)
        project, home = open_home(self.posix, "/srv")
        self.claim = stores.claim(self.posix, home, "/srv")
        stores.make(self.posix, self.claim, 65000)
        self.places: Places = open_places(self.posix, project, home, path=HOME, owner=65000)
        for name in (f"{HOME}/lock", f"{HOME}/state.db-wal", f"{self.claim.path}/state.db"):
            self.kernel.write(name, b"x")
        self.log(b'{"at":1,"level":"info","name":"daemon","text":"listening"}\n')

    def log(self, content: bytes) -> None:
        """Write the node's log."""
        self.kernel.write(f"{HOME}/node.log", content)


@pytest.fixture
def host() -> Host:
    """A host."""
    return Host()


def test_nothing_is_left(host: Host) -> None:
    """Neither the folder nor the store."""
    undo(host.posix, host.places, claim=host.claim)
    assert host.posix.folders.names("/srv") == []
    assert host.posix.folders.names(STORES) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"at":1,"level":"error","name":"manager","text":"unhandled"}\n',
        b'{"at":1,"level":"warning","name":"spawner","text":"refused"}\n',
    ],
    ids=["an error", "a refusal of the spawner"],
)
def test_a_log_of_use_stays(host: Host, line: bytes) -> None:
    """What went wrong, and what was refused by policy, can be read afterwards."""
    host.log(line)
    undo(host.posix, host.places, claim=host.claim)
    assert "node.log" in host.posix.folders.names(HOME)
    assert host.posix.folders.names(host.claim.path) == ["state.db"]


@pytest.mark.parametrize("name", ["logs/web.log", "run/launches/web~1"])
def test_what_services_left_stays(host: Host, name: str) -> None:
    """Something ran: all of it is kept."""
    host.posix.files.open(f"{HOME}/{name}", os.O_RDWR | os.O_CREAT)
    undo(host.posix, host.places, claim=host.claim)
    folder, _, file = name.rpartition("/")
    assert file in host.posix.folders.names(f"{HOME}/{folder}")
    assert "lock" in host.posix.folders.names(HOME)
