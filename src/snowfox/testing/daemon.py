"""A daemon in a folder, whose spawner and manager are stand-ins, for system tests."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from snowfox.contract.start import Said, said

TOKEN = "web~01JD0000000000000000000000"
"""Of the one service that the spawner's stand-in may start."""
PATIENCE = 20.0
"""Seconds until a test gives up waiting."""
IS_ROOT = os.geteuid() == 0


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for something of the world outside."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.01)


class World:
    """A project's folder, and the daemons that were started there.

    Args:
        project: the folder.
        boot: the program that starts daemon and stand-ins.
    """

    def __init__(self, project: Path, boot: Path) -> None:
        self.project = project
        self.boot = boot
        self.daemons: list[subprocess.Popen[bytes]] = []

    def start(
        self, *words: str, prefix: tuple[str, ...] = (), inherited: tuple[int, ...] = ()
    ) -> tuple[subprocess.Popen[bytes], int]:
        """Start a daemon; it and the read end of its pipe."""
        reader, writer = os.pipe()
        command = [
            *(*prefix, sys.executable, "-I", "-S", str(self.boot), "daemon"),
            *("--project", str(self.project), "--ready", str(writer), "--detached", *words),
        ]
        process = subprocess.Popen(
            command,
            pass_fds=(writer, *inherited),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(writer)
        self.daemons.append(process)
        return process, reader

    def up(self, *words: str) -> subprocess.Popen[bytes]:
        """Start one and wait until it is up."""
        process, reader = self.start(*words)
        lines = hear(reader)
        assert [line.word for line in lines] == ["listening", "up"], (lines, self.log())
        return process

    def log(self) -> str:
        """The node's log."""
        file = self.project / ".snowfox/node.log"
        return file.read_text() if file.exists() else ""

    def calls(self, start: str = "") -> list[str]:
        """What the stubs noted, as far as it begins so."""
        file = self.project / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(start)]

    def pid(self, role: str) -> int:
        """The pid of the last one started."""
        return int(self.calls(f"{role} started")[-1].split()[2])

    def record(self) -> Path:
        """Of the one service."""
        return self.project / ".snowfox/run/launches" / TOKEN

    def down(self, process: subprocess.Popen[bytes]) -> int:
        """Stop in order; the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    def tidy(self) -> None:
        """End what a test started and did not end, by pid."""
        for process in self.daemons:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            if process.stderr is not None:
                process.stderr.close()
        for line in self.calls():
            _, word, *rest = line.split()
            if word in {"started", "launched"} and alive(int(rest[0])):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(rest[0]), signal.SIGKILL)


def hear(reader: int, seconds: float = PATIENCE) -> list[Said]:
    """All that a daemon says about its start."""
    content = b""
    end = time.monotonic() + seconds
    with os.fdopen(reader, "rb", buffering=0) as file:
        while time.monotonic() < end and not re.search(rb"^(up|failed|busy).*\n", content, re.MULTILINE):
            if select.select([file], [], [], 0.1)[0]:
                chunk = file.read(4096)
                if not chunk:
                    break
                content += chunk
    return [said(line) for line in content.splitlines()]


def left(world: World) -> list[str]:
    """What must not be there after an orderly end."""
    run = world.project / ".snowfox/run"
    return [str(path.relative_to(run)) for path in run.rglob("*") if path.name != "launches"]
