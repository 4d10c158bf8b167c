"""Who may ask what of the daemon, and when silence is death."""

from __future__ import annotations

import os

import pytest

from snowfox.contract.control import Daemon, Kept, ManagerControl, Source, SpawnerControl
from snowfox.core.rpc.channel import Channel, Options
from snowfox.core.rpc.interface import Descriptor
from snowfox.core.rpc.session import Answered as Replied
from snowfox.core.rpc.session import Called, Failed, Happening
from snowfox.daemon import sessions
from snowfox.daemon.events import (
    MANAGER,
    SPAWNER,
    Answered,
    Event,
    Lost,
    Refused,
    RejoinAsked,
    Role,
    StopAsked,
)
from snowfox.daemon.keeper import Sockets
from snowfox.daemon.sessions import AWAKENING, HUNG, Project, Sessions
from snowfox.errors import HostError, Incompatible, NotPermitted, PosixError
from snowfox.testing.kernel import FakeKernel, FakePosix


class Host:
    """The daemon's sessions, and the other ends of both."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.posix = FakePosix(self.kernel)
        self.kernel.write("/srv/shop/snowfox.toml", b"[node]\n")
        project = self.posix.files.open("/srv/shop", os.O_RDONLY | os.O_DIRECTORY)
        self.sockets = Sockets(self.posix)
        self.followed: list[str] = []
        self.sessions = Sessions(
            self.posix,
            self.kernel.clock,
            self.posix.poller(),
            sockets=self.sockets,
            followed=self.followed.append,
            project=Project(
                project,
                "snowfox.toml",
                {"TZ": "UTC", "SNOWFOX_SHELL_AGENT": "/run/a", "RAW": "\udcff", "LONG": "x" * 9000},
            ),
        )
        self.ends: dict[Role, Channel] = {}
        self.heard: dict[Role, list[Happening]] = {SPAWNER: [], MANAGER: []}

    def begin(self, role: Role) -> Channel:
        """A session with a process that was just started."""
        ours, theirs = self.posix.sockets.pair()
        self.sessions.open(role, ours)
        end = Channel(
            self.posix,
            theirs,
            clock=self.kernel.clock,
            serving=SpawnerControl if role == SPAWNER else ManagerControl,
            calling=Daemon,
            options=Options(role, ping_after=None, dead_after=None),
        )
        self.ends[role] = end
        return end

    def turn(self, *silent: Role) -> list[Event]:
        """Let all that was said be heard at both ends, but for those that hang."""
        events: list[Event] = []
        for _ in range(4):
            for role, end in self.ends.items():
                if role not in silent and not end.ended:
                    end.flush()
                    events += self.sessions.ready(role)
            events += self.sessions.turn()
            for role, end in self.ends.items():
                if role not in silent and not end.ended:
                    self.heard[role] += end.receive()
        return events

    def asked(self, role: Role, request: int) -> object:
        """What the daemon said to a request."""
        self.turn()
        for happening in self.heard[role]:
            if isinstance(happening, Replied | Failed) and happening.request == request:
                return happening.value if isinstance(happening, Replied) else happening.error
        return "no answer"


@pytest.fixture
def host() -> Host:
    """Both are there."""
    host = Host()
    host.begin(SPAWNER)
    host.begin(MANAGER)
    host.turn()
    return host


def test_a_source_for_the_manager(host: Host) -> None:
    """It gets the descriptor of a file that is named, None for one that is missing, NotPermitted for others."""
    manager = host.ends[MANAGER]
    found = host.asked(MANAGER, manager.call(Daemon.open_source, "snowfox.toml"))
    assert isinstance(found, Source)
    assert host.posix.files.read(found.file.take(), 10) == b"[node]\n"
    assert host.asked(MANAGER, manager.call(Daemon.open_source, ".env")) is None
    assert isinstance(host.asked(MANAGER, manager.call(Daemon.open_source, "/etc/shadow")), NotPermitted)


def test_variables_of_the_shell_for_the_manager(host: Host) -> None:
    """Those that are set, whichever name we have them by; what is no text, or too long, is not there."""
    manager = host.ends[MANAGER]
    names = ["AGENT", "TZ", "NO", "RAW", "LONG"]
    assert host.asked(MANAGER, manager.call(Daemon.environment, names)) == {"AGENT": "/run/a", "TZ": "UTC"}


def test_files_for_a_manager_that_does_not_read(host: Host) -> None:
    """It cannot use up the daemon's descriptors by asking and not reading."""
    before = len(host.posix.process.descriptors)
    manager = host.ends[MANAGER]
    for _ in range(2000):
        manager.call(Daemon.open_source, "snowfox.toml")
    manager.flush()
    host.sessions.ready(MANAGER)
    assert len(host.posix.process.descriptors) - before < 200


def test_each_has_its_own_requests(host: Host) -> None:
    """The spawner reads no configuration and stops nothing; the manager hands in no sockets."""
    spawner, manager = host.ends[SPAWNER], host.ends[MANAGER]
    assert isinstance(host.asked(SPAWNER, spawner.call(Daemon.open_source, "snowfox.toml")), NotPermitted)
    assert isinstance(host.asked(SPAWNER, spawner.call(Daemon.stop, 0, "no")), NotPermitted)
    assert isinstance(host.asked(SPAWNER, spawner.call(Daemon.rejoin)), NotPermitted)
    bound = host.posix.sockets.bind("127.0.0.1:8080")
    kept = Kept("web=a", Descriptor(bound, host.posix))
    assert isinstance(host.asked(MANAGER, manager.call(Daemon.keep, kept)), NotPermitted)
    assert isinstance(host.asked(MANAGER, manager.call(Daemon.release, "web=a")), NotPermitted)
    assert isinstance(host.asked(MANAGER, manager.call(Daemon.followed, "web~1")), NotPermitted)
    assert host.followed == []
    assert host.sockets.batches() == []


def test_refused_descriptors_are_closed(host: Host) -> None:
    """What may not be kept does not stay open."""
    before = len(host.posix.process.descriptors)
    bound = host.posix.sockets.bind("127.0.0.1:8080")
    host.asked(MANAGER, host.ends[MANAGER].call(Daemon.keep, Kept("web=a", Descriptor(bound, host.posix))))
    assert len(host.posix.process.descriptors) == before


def test_the_spawners_sockets_are_kept(host: Host) -> None:
    """Handed in, they are there for the next spawner; released, they are closed."""
    spawner = host.ends[SPAWNER]
    bound = host.posix.sockets.bind("127.0.0.1:8080")
    host.asked(SPAWNER, spawner.call(Daemon.keep, Kept("web=a", Descriptor(bound, host.posix))))
    (batch,) = host.sockets.batches()
    assert [kept.key for kept in batch] == ["web=a"]
    assert host.posix.sockets.address(batch[0].socket.number) == "127.0.0.1:8080"
    host.asked(SPAWNER, spawner.call(Daemon.release, "web=a"))
    assert host.sockets.batches() == []


def test_the_spawner_tells_whom_it_follows(host: Host) -> None:
    """The launch whose record names another main process is handed on."""
    host.asked(SPAWNER, host.ends[SPAWNER].call(Daemon.followed, "web~1"))
    assert host.followed == ["web~1"]


def test_stop_is_answered_before_it_begins(host: Host) -> None:
    """The manager hears that it was understood; the core hears code and reason."""
    request = host.ends[MANAGER].call(Daemon.stop, 3, "refused")
    assert host.turn() == [StopAsked(3, "refused")]
    assert host.asked(MANAGER, request) is None


@pytest.mark.parametrize("pid", [1, 2])
def test_process_1_cannot_leave_what_runs(monkeypatch: pytest.MonkeyPatch, host: Host, pid: int) -> None:
    """With it all processes of its container end, so that is refused with the reason; others may."""
    monkeypatch.setattr(host.posix.own, "pid", lambda: pid)
    request = host.ends[MANAGER].call(Daemon.stop, 0, "anna", True)
    assert host.turn() == ([] if pid == 1 else [StopAsked(0, "anna", leave=True)])
    answer = host.asked(MANAGER, request)
    assert isinstance(answer, HostError) == (pid == 1)
    assert (answer is None) == (pid == 2)


def test_the_core_hears_that_the_manager_has_no_spawner(host: Host) -> None:
    """It asks for another session, and is answered at once."""
    request = host.ends[MANAGER].call(Daemon.rejoin)
    assert host.turn() == [RejoinAsked()]
    assert host.asked(MANAGER, request) is None


def test_answers_come_by_the_name_of_what_was_asked(host: Host) -> None:
    """Success and refusal of each."""
    host.sessions.ask(MANAGER, "stop", ManagerControl.stop)
    host.turn()
    (called,) = [one for one in host.heard[MANAGER] if isinstance(one, Called)]
    host.ends[MANAGER].answer(called.request, None)
    assert host.turn() == [Answered(MANAGER, "stop")]


def test_what_nobody_can_hear_is_refused_and_its_descriptors_closed() -> None:
    """Without a session nothing is owed and nothing leaks."""
    host = Host()
    ours, _ = host.posix.sockets.pair()
    before = len(host.posix.process.descriptors)
    events = host.sessions.ask(SPAWNER, "attach", SpawnerControl.attach, Descriptor(ours, host.posix))
    assert events == [Refused(SPAWNER, "attach", "it is not there")]
    assert len(host.posix.process.descriptors) == before - 1


def test_held_sockets_are_taken(host: Host) -> None:
    """What a keeper holds is kept here from then on."""
    host.sessions.ask(SPAWNER, "held", SpawnerControl.held)
    host.turn()
    (called,) = [one for one in host.heard[SPAWNER] if isinstance(one, Called)]
    bound = host.posix.sockets.bind("127.0.0.1:8080")
    host.ends[SPAWNER].answer(called.request, [Kept("web=a", Descriptor(bound, host.posix))])
    assert host.turn() == [Answered(SPAWNER, "held")]
    assert [kept.key for batch in host.sockets.batches() for kept in batch] == ["web=a"]


def advance(host: Host, seconds: float, *silent: Role) -> list[Event]:
    """Time goes on in small steps, as the loop's does."""
    events: list[Event] = []
    for _ in range(round(seconds / 0.5)):
        host.kernel.pass_time(0.5)
        events += host.turn(*silent)
    return events


def test_silence_of_a_process_that_had_spoken(host: Host) -> None:
    """It is pinged, and lost as hung after some seconds; the other, which answers, is not."""
    assert advance(host, HUNG - 0.5, MANAGER) == []
    (lost,) = advance(host, 1.0, MANAGER)
    assert isinstance(lost, Lost)
    assert (lost.role, lost.hung) == (MANAGER, True)
    assert advance(host, 60.0) == []


def test_a_new_process_may_be_silent_for_longer() -> None:
    """An interpreter that starts on a busy host is not hung."""
    host = Host()
    host.begin(MANAGER)
    assert advance(host, AWAKENING - 0.5, MANAGER) == []
    (lost,) = advance(host, 1.0, MANAGER)
    assert isinstance(lost, Lost)


def test_an_idle_session_wakes_the_daemon_seldom(host: Host) -> None:
    """A tick is never sooner than the ping."""
    tick = host.sessions.next_tick()
    assert tick is not None
    assert tick - host.kernel.clock.now() == pytest.approx(sessions.PING, abs=0.01)


def test_a_failure_that_cannot_be_shown(host: Host) -> None:
    """A manager cannot end the daemon by an error whose fields make no sense: it is killed as one that hangs."""
    host.sessions.ask(MANAGER, "stop", ManagerControl.stop)
    host.turn(MANAGER)
    (asked,) = [one for one in host.ends[MANAGER].receive() if isinstance(one, Called)]
    host.ends[MANAGER].refuse(asked.request, PosixError("bind", "x", "no number"))  # type: ignore[arg-type]
    events = host.turn()
    assert [type(event) for event in events] == [Lost]
    assert isinstance(events[0], Lost)
    assert events[0].hung


def test_a_closed_session_fails_nothing_but_is_lost(host: Host) -> None:
    """What was asked is not refused one by one: the end of the process says more."""
    host.sessions.ask(MANAGER, "welcome", ManagerControl.stop)
    host.turn()
    host.ends[MANAGER].close()
    del host.ends[MANAGER]
    (lost,) = [*host.sessions.ready(MANAGER), *host.sessions.turn()]
    assert isinstance(lost, Lost)
    assert not lost.hung


def test_a_peer_that_breaks_the_protocol_is_hung(host: Host) -> None:
    """Garbage is no accident of the network: the process is replaced at once."""
    host.posix.sockets.send(host.ends[SPAWNER].socket, b"\xff" * 64)
    lost = [event for event in host.turn(SPAWNER) + host.sessions.ready(SPAWNER) if isinstance(event, Lost)]
    assert [(one.role, one.hung) for one in lost] == [(SPAWNER, True)]


def test_last_words_are_heard(host: Host) -> None:
    """What a process sent before it died counts: an answer to stop, a socket to keep."""
    host.ends[MANAGER].call(Daemon.stop, 4, "last")
    host.ends[MANAGER].flush()
    host.ends[MANAGER].close()
    assert host.sessions.last_words(MANAGER) == [StopAsked(4, "last")]
    assert host.sessions.role_of(host.ends[MANAGER].socket) is None


def test_the_tree_for_the_manager(host: Host) -> None:
    """Files of the folder form, opened or only looked at, for the manager only; a refusal ends nothing."""
    host.kernel.write("/srv/shop/node.toml", b"")
    host.kernel.write("/srv/shop/services/web.toml", b"x")
    manager = host.ends[MANAGER]
    opened = host.asked(MANAGER, manager.call(Daemon.open_tree, ""))
    assert isinstance(opened, list)
    assert [source.name for source in opened] == ["node.toml", "services/web.toml"]
    assert host.posix.files.read(opened[1].file.take(), 10) == b"x"
    assert host.asked(MANAGER, manager.call(Daemon.open_tree, "services/web.toml")) == []
    seen = host.asked(MANAGER, manager.call(Daemon.look_tree, "node.toml"))
    assert isinstance(seen, list)
    assert [(look.name, look.size) for look in seen] == [("services/web.toml", 1)]
    for method in (Daemon.open_tree, Daemon.look_tree):
        assert isinstance(host.asked(SPAWNER, host.ends[SPAWNER].call(method, "")), NotPermitted)
    host.kernel.write("/srv/shop/services/db.toml/x", b"")
    refused = host.asked(MANAGER, manager.call(Daemon.open_tree, ""))
    assert str(refused) == "cannot read services/db.toml: it is a folder"
    assert isinstance(host.asked(MANAGER, manager.call(Daemon.open_source, "snowfox.toml")), Source)


@pytest.mark.parametrize("role", [SPAWNER, MANAGER])
def test_a_request_that_there_is_not(host: Host, role: Role) -> None:
    """The manager has no rights of ours to try: its session ends. A spawner of another version is refused that request."""
    request = host.ends[role].call(SpawnerControl.stop)
    events = host.turn()
    if role == MANAGER:
        (lost,) = events
        assert isinstance(lost, Lost)
        assert "no method SpawnerControl.stop" in lost.reason
    else:
        assert events == []
        assert isinstance(host.asked(role, request), Incompatible)
