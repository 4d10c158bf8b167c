"""A whole node for system tests: real processes in a folder, driven by the command line as a user would."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from snowfox.contract.start import HOME, STORE, STORES
from snowfox.core.named import NamedTuple
from snowfox.core.rpc.blocking import Session, connect
from snowfox.testing import group

SETTLE_SECONDS = 20.0


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err


class Running(NamedTuple):
    """A service's process: pid and start (ns of the boot-time clock)."""

    pid: int
    started: int


class Node:
    """A node in `folder`.

    Args:
        folder: where its configuration is; need not exist yet.
        user: run the commands as this user; None: as who runs the tests.

    Attributes:
        more: variables of the shell that runs the commands, besides those of a login.
    """

    def __init__(self, folder: Path, *, user: str | None = None) -> None:
        self.folder = folder
        self.user = user
        self.more: dict[str, str] = {}

    def write(self, text: str, name: str = "snowfox.toml") -> None:
        """Write a file of its configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start `snowfox WORDS` there and do not wait; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "snowfox.cli.main", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment() | self.more,
        )

    def run(self, *words: str, timeout: float = 60.0) -> Done:
        """Run `snowfox WORDS` there."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment() | self.more,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def command(self, *words: str) -> list[str]:
        """The command line of `snowfox WORDS`. Raises LookupError when its user can run no Python here."""
        program = ["-m", "snowfox.cli.main", *words]
        if self.user is None:
            return [sys.executable, *program]
        return [*becoming(self.user), python_of(self.user), *program]

    def good(self, *words: str) -> str:
        """Run and insist on exit code 0."""
        done = self.run(*words)
        assert done.code == 0, f"snowfox {' '.join(words)} ended with {done.code}:\n{done.text}\n{self.log()}"
        return done.out

    @contextmanager
    def session(self) -> Generator[Session]:
        """What the command line has, without its process."""
        folder = os.open(self.home / "run", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with connect("unix:manager.sock", folder=folder) as opened:
                yield opened
        finally:
            os.close(folder)

    def status(self, *words: str) -> dict[str, dict[str, Any]]:
        """{instance: what `status --json` says of it}."""
        done = self.run("status", "--json", *words)
        assert done.code in {0, 3}, done.text
        return {one["id"]: one for one in json.loads(done.out)["instances"]}

    def running(self) -> dict[str, Running]:
        """{instance: its process}, of those that run."""
        return {
            name: Running(one["pid"], one["started"]) for name, one in self.status().items() if one["pid"]
        }

    def versions(self) -> list[dict[str, Any]]:
        """What `versions --json` says: those that are kept, the newest last."""
        found: list[dict[str, Any]] = json.loads(self.good("versions", "--json"))
        return found

    def version(self) -> str:
        """The id of the version in force."""
        return next(str(one["id"]) for one in self.versions() if one["is_current"])

    def until(self, holds: Callable[[], bool], what: str, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until something of the outside world holds; asks each 20 ms."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n{self.log()}"
            time.sleep(0.02)

    @property
    def home(self) -> Path:
        """Its own folder."""
        return self.folder / ".snowfox"

    def log(self) -> str:
        """The end of the node's own log."""
        file = self.home / "node.log"
        return file.read_text()[-4000:] if file.exists() else "(no node.log)"

    def processes(self) -> dict[str, int]:
        """Pids of daemon, spawner and manager, as far as they live."""
        home = str(self.folder).encode()
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            role = next((name for name in ("daemon", "spawner", "manager") if name.encode() in words), None)
            if role and any(word.startswith(home) for word in words):
                found[role] = int(entry.name)
        return found

    def kill(self, *roles: str) -> None:
        """SIGKILL our processes, all read before the first dies."""
        processes = self.processes()
        for role in roles:
            os.kill(processes[role], 9)

    def left_behind(self) -> list[str]:
        """What must not be there after `down`: processes, sockets, FIFOs, records, control groups, a held lock."""
        left = [f"{role} {pid}" for role, pid in self.processes().items()]
        run = self.home / "run"
        if run.exists():
            left += [str(path) for path in run.rglob("*") if path.is_socket() or path.is_fifo()]
            left += [str(path) for path in (run / "launches").glob("*")]
            left += [str(path) for path in group.places(run)]
        lock = self.home / "lock"
        if lock.exists() and subprocess.run(["flock", "-n", lock, "true"], check=False).returncode:
            left.append("the lock is held")
        return left


def environment() -> dict[str, str]:
    """The environment of commands: what a login gives, nothing of the test's own."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def becoming(user: str) -> list[str]:
    """The words before a command that this user is to run."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]


@cache
def python_of(user: str) -> str:
    """A Python that this user can run: ours may lie in a closed home. Raises LookupError when there is none."""
    is_new = "import sys; sys.exit(sys.version_info < (3, 11))"
    for one in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        # By `env`, because setpriv itself still has root's rights where it starts a program.
        words = [*becoming(user), "env", one, "-c", is_new]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return one
    msg = f"no Python 3.11 or later that user {user} can run"
    raise LookupError(msg)


def store_of(folder: Path) -> Path | None:
    """The store of root's node in this folder; None when it has none elsewhere."""
    named = folder / HOME / STORE
    return Path(STORES, named.read_text().strip()) if named.exists() else None


def remove_store(folder: Path) -> None:
    """Remove what root's node in this folder keeps elsewhere."""
    store = store_of(folder)
    if store is not None:
        shutil.rmtree(store, ignore_errors=True)
        store.with_suffix(".project").unlink(missing_ok=True)


def let_in(folder: Path) -> None:
    """Let other users into a folder of a test and the three above it, where they are ours: services run as other users.

    What a folder allows besides stays: one of them may be /tmp.
    """
    for one in [folder, *folder.parents[:3]]:
        found = one.stat()
        if found.st_uid == os.getuid():
            one.chmod(stat.S_IMODE(found.st_mode) | 0o055)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False
