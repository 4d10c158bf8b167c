"""The node's log does not grow."""

from __future__ import annotations

import os
from errno import ENOSPC

import pytest

from snowfox.daemon import ear
from snowfox.daemon.node_log import SIZE, NodeLog
from snowfox.testing.kernel import FakeKernel, FakePosix


class Host:
    """A log with a second writer, as the spawner is."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.posix = FakePosix(self.kernel)
        self.kernel.folder("/home", mode=0o700)
        home = self.posix.files.open("/home", os.O_RDONLY | os.O_DIRECTORY)
        self.log = NodeLog(self.posix, home)
        self.other = self.posix.files.open("/home/node.log", os.O_WRONLY | os.O_APPEND)

    def content(self, name: str = "node.log") -> bytes:
        """Of a file."""
        opened = self.posix.files.open(f"/home/{name}", os.O_RDONLY)
        return self.posix.files.read_at(opened, 10 * SIZE, offset=0)


@pytest.fixture
def host() -> Host:
    """One."""
    return Host()


def test_a_large_one_is_put_aside_and_all_go_on(host: Host) -> None:
    """What was there is in node.log.1, replacing what that held; both writers go on in node.log."""
    host.kernel.write("/home/node.log.1", b"old", mode=0o600)
    host.log.write(b"x" * SIZE)
    host.log.trim()
    assert len(host.content()) == SIZE
    host.posix.files.write(host.other, b"last\n")
    host.log.trim()
    assert (host.content(), host.content("node.log.1")) == (b"", b"x" * (SIZE - 5) + b"last\n")
    host.log.write(b"one\n")
    host.posix.files.write(host.other, b"two\n")
    host.log.trim()
    assert host.content() == b"one\ntwo\n"


def test_a_full_disk_loses_nothing(host: Host) -> None:
    """It is left as it is, tried again when it has doubled, and small once there is room."""
    host.log.write(b"x" * (SIZE + 1))
    host.kernel.fail("files.write", ENOSPC, times=1)
    host.log.trim()
    host.log.trim()
    assert len(host.content()) == SIZE + 1
    host.posix.files.write(host.other, b"y" * SIZE)
    host.log.trim()
    assert (host.content(), host.content("node.log.1")) == (b"", b"y" * SIZE)


def test_a_manager_cannot_push_out_what_was_said_of_it() -> None:
    """What it may say at once is less than the log keeps."""
    assert ear.MOST < SIZE
