"""Processes made by a `Maker` in tests: what becomes of an order."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from snowfox.contract.record import Record, parse
from snowfox.core.named import NamedTuple
from snowfox.core.posix.linux import LinuxPosix
from snowfox.errors import PosixError
from snowfox.spawner.launch import Maker, Order
from snowfox.testing.spawner import readable
from snowfox.values import Exit


class Outcome(NamedTuple):
    """All that there is to know of a process that ended."""

    pid: int
    out: str
    status: bytes
    record: Record
    exit: Exit | None


def launch(maker: Maker, record: Path, **changes: Any) -> Outcome:
    """Make a process, wait for its end, collect all that there is to know."""
    posix = LinuxPosix()
    noted = posix.files.open(str(record), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
    fcntl.flock(noted, fcntl.LOCK_EX)
    status, told = os.pipe2(os.O_CLOEXEC)
    out, given = os.pipe2(os.O_CLOEXEC)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    order = Order(
        program="sh",
        arguments=("sh", "-c", "exit 0"),
        environment={"PATH": "/usr/bin:/bin"},
        folder="/",
        ids=None,
        umask=0o022,
        limits=(),
        null=null,
        output=given,
        record=noted,
        status=told,
    )._replace(**changes)
    try:
        pid = start(maker, order)
    except PosixError:
        os.close(status)
        os.close(out)
        raise
    finally:
        for descriptor in (noted, told, given, null):
            os.close(descriptor)
    try:
        said = read_all(status)
        text = read_all(out).decode()
        ended = os.waitid(os.P_PID, pid, os.WEXITED)
        assert ended is not None
        seen = Exit(ended.si_status) if ended.si_code == os.CLD_EXITED else Exit(None, ended.si_status)
    finally:
        os.close(status)
        os.close(out)
    return Outcome(pid, text, said, parse(record.read_bytes()), seen)


def start(maker: Maker, order: Order) -> int:
    """The pid of one process."""
    maker.ask(order)
    (made,) = maker.made()
    if isinstance(made, PosixError):
        raise made
    return made


def read_all(descriptor: int) -> bytes:
    """All until the end."""
    chunks: list[bytes] = []
    while True:
        assert readable(descriptor, 10), "nothing came within 10 s"
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def shell(script: str) -> dict[str, Any]:
    """Changes of an order: run this script."""
    return {"arguments": ("sh", "-c", script)}
