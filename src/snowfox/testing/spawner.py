"""A real spawner in a process of its own, with a daemon and a manager played by the test: both ends of its sessions.

As root it runs as in root's node, for a manager of another uid; as an ordinary user as in that user's.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from snowfox.contract.control import Daemon, Kept, SpawnerControl
from snowfox.contract.record import FOLDER
from snowfox.contract.spawner import Ended, ExitReports, Launch, Launched, Running, Spawner
from snowfox.core.clock import SystemClock
from snowfox.core.posix.api import Spawn
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.interface import Descriptor, Interface, Method
from snowfox.core.rpc.session import Answered, Called, Failed
from snowfox.core.rpc.session import Ended as Over
from snowfox.testing import group
from snowfox.values import Exit

MANAGER_UID = 61184
ID = "01JD0000000000000000000000"
PATIENCE = 20.0


def readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read within this time."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Line:
    """One end of a session, driven by hand."""

    def __init__(
        self,
        socket: int,
        *,
        calling: type[Interface],
        serving: type[Interface],
        serve: Callable[[str, tuple[Any, ...]], None],
    ) -> None:
        self.posix = LinuxPosix()
        options = Options(name="test", ping_after=None, dead_after=None)
        self.channel = Channel(
            self.posix, socket, clock=SystemClock(), serving=serving, calling=calling, options=options
        )
        self.serve = serve
        self.answers: dict[int, Answered | Failed] = {}
        self.ended: Over | None = None
        self.outputs: list[Descriptor] = []

    def send(self, method: Method[Any, Any], *arguments: object) -> int:
        """Ask, without waiting."""
        request = self.channel.call(method, *arguments, deadline=PATIENCE)
        self.pump(0)
        return request

    def wait(self, request: int) -> Any:
        """The answer to a request. Raises its error, AssertionError when there is none in time."""
        until = time.monotonic() + PATIENCE
        while request not in self.answers:
            assert self.ended is None, f"the session ended: {self.ended}"
            assert time.monotonic() < until, "no answer"
            self.pump(0.05)
        answer = self.answers.pop(request)
        if isinstance(answer, Failed):
            raise answer.error
        value: Any = answer.value
        lines: list[Any] = [*value] if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType] - decoded
        self.outputs += [
            line.output for line in lines if isinstance(line, Launched | Running) and line.output
        ]
        return cast("Any", value)

    def close(self) -> None:
        """End it; descriptors that came and were not taken are closed."""
        for output in self.outputs:
            output.close()
        self.channel.close()

    def call(self, method: Method[Any, Any], *arguments: object) -> Any:
        """Ask and wait."""
        return self.wait(self.send(method, *arguments))

    def pump(self, seconds: float) -> None:
        """Let happen what happens within this time, at most one turn."""
        if self.ended is not None:
            return
        happenings = self.channel.flush()
        if not happenings and readable(self.channel.socket, seconds):
            happenings = self.channel.receive()
        happenings += self.channel.tick()
        for happening in happenings:
            match happening:
                case Answered() | Failed():
                    self.answers[happening.request] = happening
                case Called():
                    self.serve(happening.method, happening.arguments)
                    self.channel.answer(happening.request, None)
                case Over():
                    self.ended = happening
                case _:
                    pass
        if self.ended is None:
            self.channel.flush()


class RealSpawner:
    """A spawner's process, and all around it that outlives it.

    Args:
        folder: of the test; the node's home is made in it.
        launcher: path of the launcher; one that is not there makes the spawner fork.
        policy: content of the policy; None: there is none.
    """

    def __init__(self, folder: Path, *, launcher: Path, policy: str | None = None) -> None:
        self.posix = LinuxPosix()
        self.folder = folder
        self.launcher = launcher
        self.run = folder / ".snowfox" / "run"
        self.run.mkdir(parents=True, exist_ok=True)
        (self.run / FOLDER).mkdir(mode=0o700, exist_ok=True)
        self.log = folder / "node.log"
        self.policy = folder / "policy.toml"
        if policy is not None:
            self.policy.write_text(policy)
            self.policy.chmod(0o644)
        self.listener = self._listen()
        self.exits: list[Ended] = []
        self.kept: dict[str, int] = {}
        self.released: list[str] = []
        self.followed: list[str] = []
        self.launched: dict[str, int] = {}
        self.lines: list[Line] = []
        self.pid = 0
        self.start()

    def _listen(self) -> int:
        address = f"unix:{self.run}/spawner.sock"
        bound = self.posix.sockets.bind(address, mode=0o600)
        self.posix.sockets.listen(bound, 8)
        return bound

    def start(self) -> None:
        """Start it, as the daemon does, and attach a manager."""
        ours, theirs = self.posix.sockets.pair()
        run = os.open(self.run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        policy = os.open(self.policy if self.policy.exists() else "/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        boot = Path(__file__).resolve().parent.parent / "boot.py"
        is_root = os.geteuid() == 0
        words = (
            os.path.realpath(sys.executable),
            *("-I", "-S", str(boot), "spawner", "--root" if is_root else "--user"),
            *("--manager-uid", str(MANAGER_UID if is_root else os.geteuid())),
            *("--home", str(self.folder / ".snowfox"), "--launcher", str(self.launcher)),
        )
        pairs = ((null, 0), (null, 1), (log, 2), (theirs, 3), (run, 4), (self.listener, 5), (policy, 6))
        self.pid = self.posix.processes.spawn(
            Spawn(words[0], words, {"PATH": "/usr/bin:/bin"}, pairs, session=True)
        )
        for descriptor in (theirs, run, policy, log, null):
            os.close(descriptor)
        self._open_daemon(ours)
        self.attach()

    def attach(self) -> None:
        """A new manager."""
        ours, theirs = self.posix.sockets.pair()
        self.daemon.call(SpawnerControl.attach, Descriptor(theirs, self.posix))
        self.manager = Line(ours, calling=Spawner, serving=ExitReports, serve=self._serve_manager)
        self.lines.append(self.manager)

    def _open_daemon(self, socket: int) -> None:
        self.daemon = Line(socket, calling=SpawnerControl, serving=Daemon, serve=self._serve_daemon)
        self.lines.append(self.daemon)

    def connect(self) -> None:
        """A new daemon comes, after the first died."""
        self._open_daemon(self.posix.sockets.connect(f"unix:{self.run}/spawner.sock"))

    def _serve_daemon(self, method: str, arguments: tuple[Any, ...]) -> None:
        if method == Daemon.keep.full_name:
            kept: Kept = arguments[0]
            self.kept[kept.key] = kept.socket.take()
        elif method == Daemon.followed.full_name:
            self.followed.append(arguments[0])
        else:
            self.released.append(arguments[0])

    def _serve_manager(self, method: str, arguments: tuple[Any, ...]) -> None:
        if method == ExitReports.leaving.full_name:
            self.manager.channel.call(Spawner.follow, arguments[0], 0)
        else:
            self.exits += arguments[0]

    def launch(self, name: str, script: str, **changes: Any) -> Launched:
        """Launch `sh -c script`."""
        launched: Launched = self.manager.call(Spawner.launch, order(name, script, **changes))
        self.launched[launched.token] = launched.pid
        return launched

    def exit_of(self, token: str) -> Exit:
        """Wait for the report of an exit."""
        until = time.monotonic() + PATIENCE
        while True:
            for reported in self.exits:
                if reported.token == token:
                    return reported.exit
            assert time.monotonic() < until, f"no exit of {token}"
            self.daemon.pump(0)
            self.manager.pump(0.05)

    def inventory(self) -> dict[str, Running]:
        """All launches."""
        found: dict[str, Running] = {}
        after = ""
        while page := self.manager.call(Spawner.inventory, after):
            found.update({line.token: line for line in page})
            after = page[-1].token
        return found

    def kill(self) -> None:
        """SIGKILL to the spawner, wait for its end."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = 0

    def wait(self) -> int:
        """Wait until it ended by itself; its exit code."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise AssertionError("the spawner does not end")

    def logged(self) -> str:
        """What it wrote into the node's log."""
        return self.log.read_text() if self.log.exists() else ""

    def close(self) -> None:
        """End it and what it launched."""
        if self.pid:
            self.kill()
        for pid in self.launched.values():
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        until = time.monotonic() + PATIENCE
        while group.places(self.run) and time.monotonic() < until:
            group.remove(self.run)
        for line in self.lines:
            line.close()
        for descriptor in (self.listener, *self.kept.values()):
            os.close(descriptor)


def order(name: str, script: str, **changes: Any) -> Launch:
    """A launch of `sh -c script`: as root as a dynamic uid, else as who runs the test."""
    launch = Launch(
        token=f"{name}~{ID}",
        program="sh",
        arguments=["sh", "-c", script],
        environment={"PATH": "/usr/bin:/bin"},
        folder="/",
        user="61500" if os.geteuid() == 0 else "",
    )
    return launch._replace(**changes)
