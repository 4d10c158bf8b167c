"""One suite for all kernels: each test runs on Linux and on the fake, directly and through the wrappers."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator

import pytest

from snowfox.core.posix.api import Posix, Spawn
from snowfox.core.posix.linux import LinuxPosix
from snowfox.core.posix.observed import Observed
from snowfox.core.posix.restricted import Restricted, all_calls
from snowfox.errors import PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix, FakeProcess, Gone
from snowfox.values import Exit


class World:
    """A kernel with an empty folder, and programs: `/bin/sleep`, `/bin/true`, `/bin/false`, `/bin/echo`."""

    def __init__(self, posix: Posix, folder: str, fake: FakePosix | None) -> None:
        self.posix = posix
        self.folder = folder
        self.fake = fake
        self.is_root = posix.own.ids().uid == 0
        self.started: list[int] = []

    def path(self, name: str) -> str:
        """Of a file in the folder."""
        return f"{self.folder}/{name}"

    def open_folder(self) -> int:
        """A descriptor of the folder."""
        return self.posix.files.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)

    def put(self, name: str, data: bytes) -> None:
        """Write a file."""
        descriptor = self.posix.files.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        assert self.posix.files.write(descriptor, data) == len(data)
        self.posix.files.close(descriptor)

    def got(self, name: str) -> bytes:
        """What a file holds."""
        descriptor = self.posix.files.open(self.path(name), os.O_RDONLY)
        try:
            return self.posix.files.read(descriptor, 65536) or b""
        finally:
            self.posix.files.close(descriptor)

    def start(self, *words: str, descriptors: tuple[tuple[int, int], ...] = (), session: bool = False) -> int:
        """A program in a child; it is killed at the end of the test."""
        pid = self.posix.processes.spawn(Spawn(f"/bin/{words[0]}", words, {}, descriptors, session))
        self.started.append(pid)
        return pid

    def in_child(self, act: Callable[[Posix], object]) -> int:
        """A fork that does this and leaves with 0, with the errno of a PosixError, else with 255."""
        pid = self.posix.processes.fork()
        self.started.append(pid)
        if self.fake is not None:
            child = FakePosix(self.fake.kernel, pid=pid)
            try:
                child.own.leave(_act(act, child))
            except Gone:
                return pid
        if pid == 0:
            self.posix.own.leave(_act(act, self.posix))
        return pid

    def readable(self, descriptor: int, timeout: float = 10) -> bool:
        """Wait until it is."""
        poller = self.posix.poller()
        try:
            poller.add(descriptor)
            return any(ready for _, ready, _ in poller.wait(timeout))
        finally:
            poller.close()

    def exit_of(self, pid: int) -> Exit | None:
        """How a child ended, once it did, reaped."""
        pidfd = self.posix.processes.open(pid)
        assert self.readable(pidfd), "the child still runs"
        self.posix.files.close(pidfd)
        self.started.remove(pid)
        return self.posix.processes.exit_of(pid, reap=True)


def _act(act: Callable[[Posix], object], posix: Posix) -> int:
    try:
        act(posix)
    except PosixError as error:
        return error.errno
    except Exception:  # noqa: BLE001 - the child says it by its code
        traceback.print_exc()
        return 255
    return 0


def _echo(kernel: FakeKernel) -> Callable[[FakeProcess], object]:
    def run(process: FakeProcess) -> None:
        process.get(1).write(" ".join(process.arguments[1:]).encode() + b"\n")
        kernel.end(process.pid, Exit(code=0))

    return run


def fake_host() -> FakeKernel:
    """A fake kernel with the programs of `World`."""
    kernel = FakeKernel()
    kernel.install("/bin/sleep")
    kernel.install("/bin/true", lambda process: kernel.end(process.pid, Exit(code=0)))
    kernel.install("/bin/false", lambda process: kernel.end(process.pid, Exit(code=1)))
    kernel.install("/bin/echo", _echo(kernel))
    kernel.folder("/tmp/test", mode=0o777)
    kernel.folder("/dev")
    return kernel


def _tidied(world: World) -> None:
    for pid in world.started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture(params=["linux", "linux-wrapped", "fake-root", "fake-user", "fake-wrapped"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of each kind."""
    kind = request.param
    if kind.startswith("fake"):
        fake = FakePosix(fake_host(), uid=1000 if kind == "fake-user" else 0)
        yield World(_wrapped(fake) if kind == "fake-wrapped" else fake, "/tmp/test", fake)
        return
    linux = LinuxPosix()
    folder = tmp_path_factory.mktemp("posix")
    handlers = {
        number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)
    }
    before = set(os.listdir("/proc/self/fd"))
    made = World(_wrapped(linux) if kind == "linux-wrapped" else linux, str(folder), None)
    yield made
    _tidied(made)
    signal.set_wakeup_fd(-1)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for descriptor in set(os.listdir("/proc/self/fd")) - before:
        try:
            os.close(int(descriptor))
        except OSError:
            continue  # that of the listing itself


def _wrapped(posix: Posix) -> Posix:
    return Restricted(Observed(posix), all_calls(), role="test")
