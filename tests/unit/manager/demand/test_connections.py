"""Connections that are open, as /proc tells of them, on the fake kernel."""

from __future__ import annotations

import pytest

from snowfox.manager.demand.connections import is_busy
from snowfox.testing.kernel import FakeKernel, FakePosix

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:{port} 0100007F:C350 {state} 00000000:00000000 00:00000000 00000000     0        0 2
"""
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 1 {path}
0001: 00000003 00000000 00000000 0001 {state} 2 {path}
0002: 00000003 00000000 00000000 0001 03 3
"""


@pytest.fixture
def kernel() -> FakeKernel:
    """One without connections."""
    return FakeKernel()


def busy(kernel: FakeKernel, *addresses: str) -> bool:
    """As the manager asks."""
    return is_busy(FakePosix(kernel), addresses)


@pytest.mark.parametrize(
    ("port", "state", "expected"),
    [("1F90", "01", True), ("1F90", "08", True), ("1F90", "06", False), ("1F91", "01", False)],
)
def test_tcp(kernel, port, state, expected) -> None:
    """One that the service has to close yet, at the port of the socket; a client's own side does not count."""
    kernel.write("/proc/net/tcp", TCP.format(port=port, state=state).encode())
    assert busy(kernel, "127.0.0.1:8080") is expected
    assert busy(kernel, "0.0.0.0:8080", "udp:127.0.0.1:8081") is expected


@pytest.mark.parametrize(
    ("path", "state", "expected"),
    [
        ("/srv/run/front.sock", "03", True),
        ("/proc/self/fd/19/front.sock", "03", True),
        ("/proc/self/fd/19/front.sock", "02", True),
        ("/proc/self/fd/19/front.sock", "01", False),
        ("/proc/self/fd/19/other.sock", "03", False),
        ("/other/front.sock", "03", False),
    ],
)
def test_unix(kernel, path, state, expected) -> None:
    """Accepted or waiting, by the path that it has from its socket."""
    kernel.write("/proc/net/unix", UNIX.format(path=path, state=state).encode())
    assert busy(kernel, "unix:/srv/run/front.sock") is expected


def test_nothing_can_be_found_out(kernel) -> None:
    """Without /proc nothing is busy."""
    assert not busy(kernel, "127.0.0.1:8080", "unix:/srv/run/front.sock")
