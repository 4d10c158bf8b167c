"""What a test sees of the host itself, and gates by which it lets services get ready. Nothing here asks the node."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from snowfox.core.named import NamedTuple

MARK = "TEST_FOLDER"
"""Names the test's folder in the environment of its services, so that they are found in /proc."""

_LISTENING = "0A"


class Process(NamedTuple):
    """A process of a service: pid, its whole environment, its command."""

    pid: int
    environment: dict[str, str]
    command: tuple[str, ...]


def processes(folder: Path) -> list[Process]:
    """All processes on this host that have this folder as their MARK, the oldest first."""
    mark = f"{MARK}={folder}".encode()
    found: list[Process] = []
    for pid in sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if mark in entries:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
                pairs = [entry.decode().partition("=") for entry in entries if entry]
                environment = {name: value for name, _, value in pairs}
                found.append(Process(pid, environment, tuple(word.decode() for word in words)))
        except OSError:
            continue  # it ended
    return found


def listeners(port: int) -> set[str]:
    """Inodes of the sockets that listen at this port of IPv4."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {words[9] for words in lines if words[1].endswith(f":{port:04X}") and words[3] == _LISTENING}


def is_free(port: int) -> bool:
    """Whether nobody listens at this port, and nobody has it bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def python_of_services() -> str:
    """A Python that services can run; "" where there is none.

    Root's services cannot enter a closed home that ours may lie in: theirs is the host's.
    """
    python = "/usr/bin/python3" if os.geteuid() == 0 else os.path.realpath(sys.executable)
    return python if os.access(python, os.X_OK) else ""


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Gate:
    """A port that is open while a test wants that what is asked for by `ready = { tcp = … }` gets ready.

    Used as `with`: closed at its end.
    """

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self._socket: socket.socket | None = None

    @property
    def ready(self) -> str:
        """The line of a service that waits for it."""
        return f'ready = {{ tcp = "127.0.0.1:{self.port}", timeout = "60s" }}\n'

    def open(self) -> None:
        """Let all that wait for it be ready."""
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", self.port), backlog=100)

    def close(self) -> None:
        """Let nobody be ready any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
