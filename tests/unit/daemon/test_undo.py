"""What a refused first start leaves, on the fake kernel."""

from __future__ import annotations

import os

import pytest

from snowfox.daemon.folders import Places, open_home, open_places, open_store
from snowfox.daemon.undo import is_absent, undo
from snowfox.testing.kernel import FakeKernel, FakePosix

STORE = "/var/lib/snowfox/projects/1"
HOME = "/srv/.snowfox"


class Host:
    """A node's folders, as a start makes them."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.kernel.folder("/srv")
        self.kernel.folder("/var/lib")
        self.posix = FakePosix(self.kernel)
        project, home = open_home(self.posix, "/srv")
        open_store(self.posix, STORE, 61200)
        self.places: Places = open_places(self.posix, project, home, path=HOME, owner=61200)
        for name in (f"{HOME}/lock", f"{HOME}/state.db-wal", f"{STORE}/state.db"):
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
    undo(host.posix, host.places, store=STORE)
    assert host.posix.folders.names("/srv") == []
    assert is_absent(host.posix, STORE)
    assert not is_absent(host.posix, "/var/lib/snowfox/projects")


def test_a_store_of_before_stays(host: Host) -> None:
    """It was not made by this start."""
    undo(host.posix, host.places, store="")
    assert host.posix.folders.names("/srv") == []
    assert host.posix.folders.names(STORE) == ["state.db"]


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
    undo(host.posix, host.places, store=STORE)
    assert "node.log" in host.posix.folders.names(HOME)
    assert host.posix.folders.names(STORE) == ["state.db"]


@pytest.mark.parametrize("name", ["logs/web.log", "run/launches/web~1"])
def test_what_services_left_stays(host: Host, name: str) -> None:
    """Something ran: all of it is kept."""
    host.posix.files.open(f"{HOME}/{name}", os.O_RDWR | os.O_CREAT)
    undo(host.posix, host.places, store=STORE)
    assert not is_absent(host.posix, f"{HOME}/{name}")
    assert not is_absent(host.posix, f"{HOME}/lock")
