"""What the kernel tells in files."""

import os

from snowfox.core.posix import kernel_file
from snowfox.core.posix.linux import LinuxPosix


def test_a_line_and_a_whole_file(tmp_path):
    """A line is what one read gives; a file comes whole, however long, or no more once there is enough."""
    long = tmp_path / "long"
    long.write_bytes(b"x" * 200_000)
    posix = LinuxPosix()
    assert kernel_file.line(posix, "/proc/self/stat").startswith(b"%d " % os.getpid())
    assert len(kernel_file.line(posix, str(long), most=10)) == 10
    assert len(kernel_file.content(posix, str(long))) == 200_000
    assert 100_000 <= len(kernel_file.content(posix, str(long), most=100_000)) < 200_000


def test_what_cannot_be_read(tmp_path):
    """Not there, or no file: as good as empty, and nothing is left open."""
    posix = LinuxPosix()
    before = os.listdir("/proc/self/fd")
    assert kernel_file.content(posix, str(tmp_path / "none")) == b""
    assert kernel_file.line(posix, str(tmp_path)) == b""
    assert os.listdir("/proc/self/fd") == before
