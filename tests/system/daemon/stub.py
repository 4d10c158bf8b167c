"""Stands in for boot.py: a real daemon whose spawner and manager are small programs that speak the contracts.

Started as `python -I -S stub.py ROLE ARGUMENTS`. What the two are asked goes into `calls` of the project's folder, a
line each: ROLE METHOD DETAILS. Files of the project's folder tell them what to do: `service` lets the spawner start
one with a record, `socket` lets it open one and have it kept, `refuse` lets the manager end the node with 3, `broken`
names roles that end at once.
"""

from __future__ import annotations

import os
import sys

PACKAGE = __file__.rpartition("/tests/")[0] + "/src"
sys.path.append(PACKAGE)

from snowfox.contract import record  # noqa: E402 - the path is set above
from snowfox.contract.control import Daemon, Kept, ManagerControl, SpawnerControl  # noqa: E402
from snowfox.contract.start import parse  # noqa: E402
from snowfox.core.clock import SystemClock  # noqa: E402
from snowfox.core.posix import activate  # noqa: E402
from snowfox.core.posix.api import Spawn  # noqa: E402
from snowfox.core.posix.linux import LinuxPosix  # noqa: E402
from snowfox.core.rpc.channel import Channel, Options  # noqa: E402
from snowfox.core.rpc.interface import Descriptor  # noqa: E402
from snowfox.core.rpc.session import Called, Ended  # noqa: E402

SESSION, RUN, LISTENER = 3, 4, 5
TOKEN = "web~01JD0000000000000000000000"


class Stub:
    """What both have in common: a channel with the daemon, and a note of all that it asks."""

    def __init__(self, role: str, words: list[str]) -> None:
        self.role = role
        self.posix = LinuxPosix()
        activate(self.posix)
        self.project = os.path.dirname(words[words.index("--home") + 1])
        self.poller = self.posix.poller()
        self.serving = SpawnerControl if role == "spawner" else ManagerControl
        self.note("started", str(os.getpid()))
        if role in self.said("broken"):
            sys.exit(9)
        self.kept: list[Descriptor] = []
        self.talk(SESSION)

    def said(self, name: str) -> str:
        """The content of a file of the project; "" when it is not there."""
        try:
            with open(f"{self.project}/{name}") as file:
                return file.read() or name
        except FileNotFoundError:
            return ""

    def note(self, method: str, details: str = "") -> None:
        """Write down what happened."""
        with open(f"{self.project}/calls", "a") as file:
            file.write(f"{self.role} {method} {details}".rstrip() + "\n")

    def talk(self, socket: int) -> None:
        """Have a session with a daemon."""
        self.channel = Channel(
            self.posix,
            socket,
            clock=SystemClock(),
            serving=self.serving,
            calling=Daemon,
            options=Options(name=self.role, ping_after=None, dead_after=None),
        )
        self.poller.add(socket)

    def run(self) -> None:
        """Serve until the session ends."""
        while True:
            for happening in [*self.channel.tick(), *self.channel.flush()]:
                if isinstance(happening, Ended):
                    return
            tick = self.channel.next_tick()
            self.poller.wait(None if tick is None else max(0.0, tick - SystemClock().now()))
            for happening in self.channel.receive():
                if isinstance(happening, Ended):
                    return
                if isinstance(happening, Called):
                    name = happening.method.rpartition(".")[2]
                    value = getattr(self, name)(*happening.arguments)
                    self.channel.answer(happening.request, value)
                    if name in {"stop", "leave"}:
                        self.stopped()


class Spawner(Stub):
    """Starts at most one service, keeps at most one socket."""

    def begin(self) -> None:
        """Do what the files say."""
        if self.said("service") and TOKEN not in os.listdir("/proc/self/fd/4/launches"):
            self.launch(self.said("service").split())
        if self.said("socket"):
            bound = self.posix.sockets.bind("127.0.0.1:0")
            self.posix.sockets.listen(bound, 5)
            self.note("opened", self.posix.sockets.address(bound))
            os.remove(f"{self.project}/socket")
            self.kept.append(Descriptor(bound))
            self.channel.call(Daemon.keep, Kept("web=a", Descriptor(os.dup(bound))))

    def launch(self, words: list[str]) -> None:
        """A process with a record, as the launcher writes it."""
        pid = self.posix.processes.spawn(Spawn(words[0], tuple(words), {}, (), session=True))
        own = self.posix.own
        started = record.Started(pid, own.uptime(), own.boot(), own.pid_namespace())
        with open(f"/proc/self/fd/4/launches/{TOKEN}", "wb") as file:
            file.write(record.launched_line(started))
        self.note("launched", str(pid))

    def attach(self, manager: Descriptor) -> None:
        """Note it and keep the session open."""
        self.note("attach")
        self.kept.append(Descriptor(manager.take()))

    def restore(self, kept: list[Kept]) -> None:
        """Note and keep them."""
        for one in kept:
            self.note("restore", f"{one.key} {self.posix.sockets.address(one.socket.number)}")
            self.kept.append(Descriptor(one.socket.take()))

    def held(self) -> list[Kept]:
        """Duplicates of what is kept."""
        self.note("held")
        return [Kept("web=a", Descriptor(os.dup(one.number))) for one in self.kept if self.listens(one)]

    def listens(self, one: Descriptor) -> bool:
        """Whether it is a listening socket."""
        return self.posix.sockets.is_listening(one.number)

    def orphan(self, token: str, exit) -> None:
        """Note it."""
        self.note("orphan", f"{token} {exit}")

    def stop(self) -> None:
        """Note it."""
        self.note("stop")

    def stopped(self) -> None:
        """The answer is sent before the end."""
        self.channel.flush()
        sys.exit(0)

    def live(self) -> None:
        """Serve a daemon; when it dies, wait for the next."""
        self.begin()
        while True:
            self.run()
            self.channel.close()
            self.note("keeper")
            os.set_blocking(LISTENER, True)
            socket = None
            while socket is None:
                socket = self.posix.sockets.accept(LISTENER)
            self.note("came")
            self.talk(socket)


class Manager(Stub):
    """Does what it is told, which is little."""

    def welcome(self, welcome) -> None:
        """Note it and keep what came."""
        self.note("welcome", f"{welcome.root} {welcome.uid} {welcome.configuration}")
        self.kept += [Descriptor(one.take()) for one in (welcome.listener, welcome.notify, welcome.spawner)]
        welcome.logs.close()
        if self.said("refuse"):
            self.channel.call(Daemon.stop, 3, "refused")

    def attach(self, spawner: Descriptor) -> None:
        """Note it and keep the session open."""
        self.note("attach")
        self.kept.append(Descriptor(spawner.take()))

    def stop(self) -> None:
        """Note it."""
        self.note("stop")

    def stopped(self) -> None:
        """The daemon ends the session."""

    def live(self) -> None:
        """Serve one daemon."""
        self.run()


def daemon(words: list[str]) -> int:
    """The real one, with this file as its boot.py."""
    from snowfox.core.posix.restricted import Restricted  # noqa: PLC0415
    from snowfox.core.posix.roles import DAEMON  # noqa: PLC0415
    from snowfox.daemon.early import Ahead  # noqa: PLC0415
    from snowfox.daemon.main import Means, run  # noqa: PLC0415
    from snowfox.daemon.reporter import Reporter  # noqa: PLC0415

    posix = Restricted(LinuxPosix(), DAEMON, role="daemon")
    activate(posix)
    node = parse(words).replace(boot=__file__)
    return run(
        Means(
            posix,
            SystemClock(),
            node,
            dict(os.environ),
            Reporter(posix, node.ready),
            Ahead(posix, SystemClock(), node.early),
        )
    )


if __name__ == "__main__":
    role, *words = sys.argv[1:]
    if role == "daemon":
        sys.exit(daemon(words))
    (Spawner if role == "spawner" else Manager)(role, words).live()
