"""The host's time zone."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import TZPATH

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.schedule import zone
from snowfox.manager.schedule.zone import host_zone
from snowfox.testing.kernel import FakeKernel, FakePosix


def test_the_hosts_own() -> None:
    """What this host says its time is."""
    now = datetime.now(UTC)
    if Path(zone.LOCALTIME).exists():
        assert now.astimezone(host_zone(LinuxPosix())).utcoffset() == now.astimezone().utcoffset()


def test_none() -> None:
    """Without the file, or with something else in it, it is UTC."""
    kernel = FakeKernel()
    assert host_zone(FakePosix(kernel)) is UTC
    assert TZPATH
