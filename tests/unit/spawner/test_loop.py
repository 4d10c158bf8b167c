"""The whole spawner on the fake kernel, its daemon and manager played by the test."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from snowfox.contract.control import Daemon, Kept, SpawnerControl
from snowfox.contract.spawner import ExitReports, Launched, Listening, ListenSpec, Spawner
from snowfox.core.posix.api import Spawn
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.interface import Descriptor, Interface, Method
from snowfox.core.rpc.session import Answered, Called, Ended, Failed
from snowfox.errors import HostError, Incompatible, LaunchFailed, NotPermitted, PosixError
from snowfox.spawner.launching import LATE
from snowfox.spawner.loop import AT_A_TIME, AT_ONCE
from snowfox.spawner.main import Setting, assemble, setting
from snowfox.testing import launcher
from snowfox.testing.kernel import FakeKernel, FakePosix
from snowfox.testing.launches import ID, LAUNCH, RUN, TOKEN, host
from snowfox.values import Exit

KEY = "front=127.0.0.1:8080"


class Peer:
    """One end of a session that the test holds."""

    def __init__(
        self, posix: FakePosix, socket: int, calling: type[Interface], serving: type[Interface]
    ) -> None:
        options = Options(name="test", ping_after=None, dead_after=None)
        self.channel = Channel(
            posix, socket, clock=posix.kernel.clock, serving=serving, calling=calling, options=options
        )
        self.posix = posix
        self.answers: dict[int, Any] = {}
        self.called: list[tuple[str, tuple[Any, ...]]] = []
        self.ended = False

    def turn(self) -> None:
        """Send and receive what there is."""
        if self.ended:
            return
        for happening in (*self.channel.flush(), *self.channel.receive()):
            match happening:
                case Answered():
                    self.answers[happening.request] = happening.value
                case Failed():
                    self.answers[happening.request] = happening.error
                case Called():
                    taken = [
                        one._replace(socket=Descriptor(one.socket.take(), self.posix))
                        if isinstance(one, Kept)
                        else one
                        for one in happening.arguments
                    ]
                    self.called.append((happening.method, tuple(taken)))
                    self.channel.answer(happening.request, None)
                case Ended():
                    self.ended = True
                case _:
                    pass
        self.channel.flush()


class Node:
    """A spawner on a fake kernel."""

    def __init__(self, kernel: FakeKernel, daemon: FakePosix) -> None:
        self.kernel = kernel
        self.posix = daemon
        kernel.folder(RUN, mode=0o700)
        kernel.install("/usr/bin/spawner")
        if not any(True for one in kernel.processes.values() if one.program == "/usr/bin/spawner"):
            self.listener = daemon.sockets.bind(f"unix:{RUN}/spawner.sock")
            daemon.sockets.listen(self.listener, 8)
        self.start()

    def start(self) -> None:
        """As the daemon does."""
        ours, theirs = self.posix.sockets.pair()
        run = self.posix.files.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
        null = self.posix.files.open("/dev/null", os.O_RDWR)
        pairs = ((null, 0), (null, 1), (null, 2), (theirs, 3), (run, 4), (self.listener, 5), (null, 6))
        pid = self.posix.processes.spawn(Spawn("/usr/bin/spawner", ("spawner",), {}, pairs, session=True))
        for descriptor in (theirs, run, null):
            self.posix.files.close(descriptor)
        self.process = self.kernel.process(pid)
        spawner = FakePosix(self.kernel, process=self.process)
        given = Setting(is_root=True, manager=61184, home="/srv/shop/.snowfox")
        maker = launcher.FakeLauncher(spawner)
        self.loop = assemble(spawner, self.kernel.clock, given, maker=maker)
        self.loop.begin()
        self.daemon = Peer(self.posix, ours, SpawnerControl, Daemon)
        self.attach()

    def attach(self) -> None:
        """A new manager."""
        ours, theirs = self.posix.sockets.pair()
        self.ask(self.daemon, SpawnerControl.attach, Descriptor(theirs, self.posix))
        self.manager = Peer(self.posix, ours, Spawner, ExitReports)

    def turns(self, until: Callable[[], object]) -> None:
        """Let things happen until something holds."""
        for _ in range(200):
            if until():
                return
            self.daemon.turn()
            if hasattr(self, "manager"):
                self.manager.turn()
            if self.process.exit is None and not self.loop.is_over:
                self.loop.turn(most=0.01)
        raise AssertionError("it does not come to hold")

    def ask(self, peer: Peer, method: Method[Any, Any], *arguments: object) -> Any:
        """The answer, or the error, of a call."""
        request = peer.channel.call(method, *arguments)
        self.turns(lambda: request in peer.answers)
        return peer.answers.pop(request)

    def launch(self, name: str = "web", **changes: Any) -> Any:
        """Launch `/usr/bin/web`."""
        return self.ask(self.manager, Spawner.launch, LAUNCH._replace(token=f"{name}~{ID}", **changes))


@pytest.fixture
def node() -> Node:
    """A node of root's with an empty policy."""
    return Node(*host())


def test_life_of_a_launch(node: Node) -> None:
    """Launched, signalled, its exit reported, forgotten: nothing left."""
    launched = node.launch()
    assert isinstance(launched, Launched)
    assert launched.output is not None
    assert node.ask(node.manager, Spawner.signal, TOKEN, 15) is True
    node.turns(lambda: node.manager.called)
    ((method, ([(token, seen, _, _)],)),) = node.manager.called
    assert (method, token, seen) == (ExitReports.exited.full_name, TOKEN, Exit(None, 15))
    assert node.ask(node.manager, Spawner.forget, [TOKEN]) is None
    assert node.posix.folders.names(f"{RUN}/launches") == []
    assert node.kernel.process(launched.pid).is_reaped


def test_another_main_process(node: Node) -> None:
    """Who named it and ended is asked about first; then it is followed, the daemon is told, and its end is the launch's."""
    launched = node.launch(environment={"NOTIFY_SOCKET": "@x"})
    first = node.kernel.process(launched.pid)
    second = node.kernel.begin(parent=first.pid, ids=first.ids)
    second.session, second.started = first.pid, node.kernel.clock.boot()
    node.kernel.end(first.pid, Exit(0))
    node.turns(lambda: node.manager.called)
    assert node.manager.called.pop() == (ExitReports.leaving.full_name, (TOKEN,))
    refused = node.ask(node.manager, Spawner.follow, TOKEN, 1)
    assert isinstance(refused, HostError)
    assert node.ask(node.manager, Spawner.follow, TOKEN, second.pid) is True
    assert node.ask(node.manager, Spawner.follow, TOKEN, 0) is False
    assert node.ask(node.manager, Spawner.signal, TOKEN, 10) is True
    assert second.signals == ["USR1"]
    node.turns(lambda: node.daemon.called)
    assert node.daemon.called == [(Daemon.followed.full_name, (TOKEN,))]
    assert node.posix.processes.exit_of(second.pid, reap=True) == Exit(None, 10)
    node.ask(node.daemon, SpawnerControl.orphan, TOKEN, Exit(None, 10))
    node.turns(lambda: node.manager.called)
    assert node.manager.called.pop() == (ExitReports.leaving.full_name, (TOKEN,))
    assert node.ask(node.manager, Spawner.follow, TOKEN, 0) is False
    node.turns(lambda: node.manager.called)
    ((method, ([(token, seen, _, _)],)),) = node.manager.called
    assert (method, token, seen) == (ExitReports.exited.full_name, TOKEN, Exit(None, 10))


def test_a_manager_that_does_not_say_who_follows(node: Node) -> None:
    """It is waited for a bounded time, then nobody follows; where its session ends the next one is asked."""
    launched = node.launch(environment={"NOTIFY_SOCKET": "@x"})
    node.kernel.end(launched.pid, Exit(3))
    for _ in range(3):
        node.loop.turn(most=0)
    node.manager.channel.close()
    for _ in range(3):
        node.loop.turn(most=0)
    node.attach()
    node.turns(lambda: node.manager.called)
    assert node.manager.called == [(ExitReports.leaving.full_name, (TOKEN,))]
    other = node.launch("other", environment={"NOTIFY_SOCKET": "@x"})
    node.kernel.end(other.pid, Exit(4))
    for _ in range(3):
        node.loop.turn(most=0)
    node.kernel.clock.advance(61.0)
    for _ in range(3):
        node.loop.turn(most=0)
    node.turns(lambda: len(node.manager.called) > 2)
    _, asked, (method, (ends,)) = node.manager.called
    assert asked == (ExitReports.leaving.full_name, (f"other~{ID}",))
    assert method == ExitReports.exited.full_name
    assert [(one.token, one.exit) for one in ends] == [(f"other~{ID}", Exit(4))]


@pytest.mark.parametrize(("later", "answered"), [(LATE / 2, 0), (LATE, 2 * AT_ONCE)])
def test_what_waits_to_be_launched_goes_first(node: Node, later: float, answered: int) -> None:
    """That programs run is told behind the last launch that waits, but at most a second late."""
    count = 2 * AT_ONCE + 1

    def turn() -> None:
        node.loop.turn(most=0)
        for _ in range(count):
            node.manager.turn()

    for number in range(count):
        node.manager.channel.call(Spawner.launch, LAUNCH._replace(token=f"web{number}~{ID}"))
    node.manager.turn()
    turn()
    assert len(node.posix.folders.names(f"{RUN}/launches")) == 2 * AT_ONCE
    assert not node.manager.answers
    node.kernel.clock.advance(later)
    turn()
    assert len(node.manager.answers) == answered
    turn()
    assert len(node.manager.answers) == count


def test_ends_of_a_turn_are_told_together(node: Node) -> None:
    """Those that are seen at one time are one call, and not more in one than fits."""
    tokens = [f"web{number}~{ID}" for number in range(2 * AT_A_TIME + 1)]
    for token in tokens:
        node.launch(token.partition("~")[0])
    node.ask(node.manager, Spawner.signal_all, tokens, 15)
    node.turns(lambda: sum(len(ends) for _, (ends,) in node.manager.called) == len(tokens))
    told = [ends for _, (ends,) in node.manager.called]
    assert {end.token for ends in told for end in ends} == {*tokens}
    assert len(told) == 3
    assert max(map(len, told)) <= AT_A_TIME


def test_failures_are_answers(node: Node) -> None:
    """Errors of launches and of policy come back as themselves, and the session goes on."""
    failed = node.launch(folder="/no")
    assert isinstance(failed, LaunchFailed)
    assert str(failed) == "cannot launch web: change to folder /no: no such file or directory (ENOENT)"
    assert isinstance(node.launch(user="root"), NotPermitted)
    assert isinstance(node.launch(), Launched)


def test_a_request_that_there_is_not(node: Node) -> None:
    """A manager that asks for what only the daemon may is sent away; a daemon of another version is only refused that."""
    node.manager.channel.call(SpawnerControl.stop)
    node.turns(lambda: node.manager.ended)
    assert isinstance(node.ask(node.daemon, Spawner.inventory, ""), Incompatible)
    node.attach()
    assert isinstance(node.launch(), Launched)


def test_malformed_ends_the_session(node: Node) -> None:
    """The manager is sent away; the daemon attaches the next."""
    request = node.manager.channel.call(Spawner.kill, ["x"])
    node.turns(lambda: node.manager.ended)
    assert str(node.manager.answers.pop(request)) == "malformed request: a token"
    node.attach()
    assert isinstance(node.launch(), Launched)


def test_sockets_are_kept_by_the_daemon(node: Node) -> None:
    """The daemon is told of each socket, and gives it back to the next spawner."""
    node.ask(node.manager, Spawner.open_socket, ListenSpec(KEY, "127.0.0.1:8080"))
    node.turns(lambda: node.daemon.called)
    ((_, (kept,)),) = node.daemon.called
    assert kept.key == KEY
    node.kernel.signal(node.process, 9)
    node.start()
    node.ask(node.daemon, SpawnerControl.restore, [Kept(KEY, kept.socket)])
    listening = node.ask(node.manager, Spawner.open_socket, ListenSpec(KEY, "127.0.0.1:8080"))
    assert listening.address == "127.0.0.1:8080"


def test_reservations_end_with_their_manager(node: Node) -> None:
    """The next manager finds what is open and no reservation; the daemon never heard of one."""
    opened = Listening(KEY, "127.0.0.1:8080")
    reserved = Listening("b=127.0.0.1:8081", "127.0.0.1:8081", reserved=True)
    node.ask(node.manager, Spawner.open_socket, ListenSpec(*opened[:2]))
    assert node.ask(node.manager, Spawner.reserve, ListenSpec(*reserved[:2])) == reserved
    assert node.ask(node.manager, Spawner.sockets) == [opened, reserved]
    assert [kept.key for kept in node.ask(node.daemon, SpawnerControl.held)] == [KEY]
    node.attach()
    assert node.ask(node.manager, Spawner.sockets) == [opened]
    assert [call[1][0].key for call in node.daemon.called] == [KEY]


def test_note_comes_back(node: Node) -> None:
    """What the manager noted with a launch is in the inventory, also of the next spawner, also once it ended."""
    node.launch(note="0af9")
    node.launch("old")
    assert [line.note for line in node.ask(node.manager, Spawner.inventory, "")] == ["", "0af9"]
    node.ask(node.manager, Spawner.signal, TOKEN, 15)
    node.turns(lambda: node.manager.called)
    assert [line.note for line in node.ask(node.manager, Spawner.inventory, "")] == ["", "0af9"]
    node.kernel.signal(node.process, 9)
    node.start()
    assert [line.note for line in node.ask(node.manager, Spawner.inventory, "")] == ["", "0af9"]


def test_killed_between_request_and_answer(node: Node) -> None:
    """The same token asked again of the next spawner is answered with the first process."""
    node.manager.channel.call(Spawner.launch, LAUNCH)
    node.manager.channel.flush()
    before = set(node.kernel.processes)
    while set(node.kernel.processes) == before:
        node.loop.turn(most=0.01)
    node.kernel.signal(node.process, 9)
    node.start()
    launched = node.launch()
    assert launched.again
    running = [one for one in node.kernel.processes.values() if one.program == "/usr/bin/web"]
    assert [one.pid for one in running] == [launched.pid]


def test_new_daemon(node: Node) -> None:
    """The daemon dies: the manager is sent away, services run, and the next daemon takes over."""
    launched = node.launch()
    node.posix.files.close(node.daemon.channel.socket)
    node.daemon.ended = True
    node.turns(lambda: node.manager.ended)
    socket = node.posix.sockets.connect(f"unix:{RUN}/spawner.sock")
    node.daemon = Peer(node.posix, socket, SpawnerControl, Daemon)
    assert node.ask(node.daemon, SpawnerControl.held) == []
    node.attach()
    (line,) = node.ask(node.manager, Spawner.inventory, "")
    assert (line.token, line.pid, line.exit) == (TOKEN, launched.pid, None)


def test_stranger_is_no_daemon(node: Node) -> None:
    """Who is neither root nor the same user is turned away."""
    node.launch()
    node.posix.files.close(node.daemon.channel.socket)
    node.daemon.ended = True
    node.turns(lambda: node.manager.ended)
    node.posix.folders.mode("/srv/shop/.snowfox/run", 0o777)
    node.posix.folders.mode("/srv/shop/.snowfox/run/spawner.sock", 0o777)
    stranger = FakePosix(node.kernel, uid=1000)
    socket = stranger.sockets.connect(f"unix:{RUN}/spawner.sock")
    peer = Peer(stranger, socket, SpawnerControl, Daemon)
    node.daemon = peer
    node.turns(lambda: peer.ended)


def test_stop(node: Node) -> None:
    """All is killed, removed and answered, then it is over."""
    launched = node.launch()
    request = node.daemon.channel.call(SpawnerControl.stop)
    node.turns(lambda: request in node.daemon.answers)
    assert node.loop.is_over
    assert node.kernel.process(launched.pid).exit == Exit(None, 9)
    assert node.posix.folders.names(f"{RUN}/launches") == []


def test_out_of_descriptors(node: Node) -> None:
    """Without descriptors a launch fails with its step, and the spawner lives on."""
    node.kernel.fail("folders.make_fifo", errno.EMFILE, times=1)
    failed = node.launch()
    assert isinstance(failed, LaunchFailed)
    assert failed.errno == errno.EMFILE
    node.kernel.fail("files.duplicate", errno.EMFILE, times=1)
    assert isinstance(node.launch("other"), PosixError)
    assert isinstance(node.launch("third"), Launched)


def test_inventory_without_descriptors(node: Node) -> None:
    """A page holds as many lines as there are descriptors for, the rest comes with the next; none is lost."""
    names = ["a", "b", "c", "d"]
    for name in names:
        assert isinstance(node.launch(name), Launched)
    before = len(node.process.descriptors)
    soft, hard = node.process.limits["NOFILE"]
    node.process.limits["NOFILE"] = (before + 3, hard)
    found: list[str] = []
    pages = 0
    while page := node.ask(node.manager, Spawner.inventory, found[-1] if found else ""):
        assert isinstance(page, list)
        found += [line.token for line in page]
        pages += 1
    assert found == [f"{name}~{ID}" for name in names]
    assert pages > 1
    node.process.limits["NOFILE"] = (soft, hard)
    assert len(node.process.descriptors) == before


def test_held_sockets_without_descriptors(node: Node) -> None:
    """When the sockets cannot all be duplicated for a new daemon, those that were are closed again."""
    for number in range(3):
        address = f"127.0.0.1:{8080 + number}"
        node.ask(node.manager, Spawner.open_socket, ListenSpec(f"s={address}", address))
    before = len(node.process.descriptors)
    soft, hard = node.process.limits["NOFILE"]
    node.process.limits["NOFILE"] = (before + 2, hard)
    assert isinstance(node.ask(node.daemon, SpawnerControl.held), PosixError)
    node.process.limits["NOFILE"] = (soft, hard)
    assert len(node.process.descriptors) == before


def test_arguments() -> None:
    """What the daemon says at the start."""
    words = ["--root", "--manager-uid", "61184", "--home", "/srv/.snowfox"]
    assert setting(words)[:3] == (True, 61184, "/srv/.snowfox")


def test_a_look_that_is_wanted_sooner_is_had_sooner(node: Node) -> None:
    """What ended just now does not wait for the seldom look at what does not end."""
    node.loop._set("linger", 1.0)
    node.loop._set("linger", 0.25)
    node.loop._set("linger", 0.5)
    assert node.loop._timeout(None) == 0.25
