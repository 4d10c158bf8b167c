"""What a helper prints, in memory."""

from __future__ import annotations

import asyncio
import os

from snowfox.core.posix.linux import LinuxPosix
from snowfox.manager.connector.capture import Capture


def capture(most: int = 1 << 20) -> Capture:
    """One in this loop."""
    return Capture(LinuxPosix(), asyncio.get_running_loop(), most=most)


def is_open(descriptor: int) -> bool:
    """Whether it is ours."""
    return os.path.exists(f"/proc/self/fd/{descriptor}")


async def settle() -> None:
    """Let the loop do what it has."""
    for _ in range(5):
        await asyncio.sleep(0.001)


async def test_all_of_it() -> None:
    """What comes while it runs, and what is still there when it has ended; the descriptor is closed."""
    reader, writer = LinuxPosix().files.pipe()
    one = capture()
    one.attach(reader)
    os.write(writer, b"first ")
    await settle()
    os.write(writer, b"last words")
    assert one.close() == b"first last words"
    assert not is_open(reader)
    os.close(writer)


async def test_its_end() -> None:
    """After the last writer it is closed at once."""
    reader, writer = LinuxPosix().files.pipe()
    one = capture()
    one.attach(reader)
    os.write(writer, b"x")
    os.close(writer)
    await settle()
    assert not is_open(reader)
    assert one.close() == b"x"


async def test_too_much() -> None:
    """As much as may be is kept; one more byte, and who waits is told and nothing more is read."""
    reader, writer = LinuxPosix().files.pipe()
    one = capture(most=10)
    told: list[bool] = []
    one.full = lambda: told.append(True)
    one.attach(reader)
    os.write(writer, b"x" * 10)
    await settle()
    assert not one.is_full
    os.write(writer, b"y")
    await settle()
    assert (one.is_full, told) == (True, [True])
    assert one.close() == b"x" * 10
    os.close(writer)


async def test_nothing() -> None:
    """A helper that was refused has no output."""
    assert capture().close() == b""
