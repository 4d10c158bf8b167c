"""From a launch to its process, on the fake kernel."""

from __future__ import annotations

import errno
from signal import SIGKILL

import pytest

from snowfox.contract.spawner import Launch
from snowfox.core.posix.api import Ids
from snowfox.errors import LaunchFailed
from snowfox.spawner.events import Begun, Ended, Executed, NotLaunched
from snowfox.testing.launches import LAUNCH, SHOP, TOKEN, Bench
from snowfox.values import Exit


def failure(bench: Bench, launch: Launch = LAUNCH) -> LaunchFailed:
    """The error of a launch that does not succeed, after which nothing of it may be left."""
    before = len(bench.posix.process.descriptors)
    bench.launching.begin(launch, SHOP)
    bench.launching.settle()
    events = [
        event for event in (*bench.said(), *bench.turn(), *bench.turn()) if not isinstance(event, Begun)
    ]
    (event,) = events
    assert isinstance(event, NotLaunched)
    assert isinstance(event.error, LaunchFailed)
    assert bench.names() == []
    assert bench.held.get(launch.token) is None
    assert len(bench.posix.process.descriptors) == before
    assert not [one for one in bench.kernel.processes.values() if one.parent == bench.posix.process.pid]
    return event.error


def test_launched(bench: Bench) -> None:
    """Begun at once, executed when the status pipe ends; the process is as ordered."""
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    (begun,) = bench.said()
    assert isinstance(begun, Begun)
    (executed,) = bench.turn()
    assert executed == Executed(TOKEN, bench.kernel.clock.boot())
    process = bench.kernel.process(begun.pid)
    assert (process.program, process.arguments) == ("/usr/bin/web", ("web", "-v"))
    assert process.environment == {"SNOWFOX_LAUNCH": TOKEN, "PATH": "/usr/bin"}
    assert process.ids == Ids(1000, 1000, (1000,))
    assert process.limits["NOFILE"] == (1024, 4096)
    assert process.session == process.group == process.pid
    assert sorted(process.descriptors) == [0, 1, 2]
    assert bench.names() == [TOKEN, f"{TOKEN}.out"]


def test_what_runs_by_the_first_look_is_not_waited_for(bench: Bench) -> None:
    """Its status pipe never gets into the poller; that of one that is still on its way does."""
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    status = handle.status
    assert bench.held.whose(status) is None
    bench.launching.look()
    assert handle.status == -1
    assert bench.held.whose(status) is None
    assert [type(event) for event in bench.said()] == [Begun, Executed]


def test_a_token_that_is_launched_again_before_the_first_look(bench: Bench) -> None:
    """The process before it is over, and only the new one, still on its way, is waited for, once."""
    bench.kernel.install("/usr/lib/snowfox/launcher", lambda _: None)
    for is_last in (False, True):
        bench.launching.begin(LAUNCH, SHOP)
        bench.launching.settle()
        if not is_last:
            bench.held.forget(TOKEN)
    bench.launching.look()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    assert bench.held.whose(handle.status) == TOKEN
    assert [type(event) for event in bench.said()] == [Begun, Begun]


def test_keeps_three_descriptors(bench: Bench) -> None:
    """A running launch costs a pidfd and a read end, nothing else."""
    before = len(bench.posix.process.descriptors)
    bench.begin()
    assert len(bench.posix.process.descriptors) == before + 2


def test_what_it_writes_to_say_that_it_is_ready_is_heard_by_the_manager(bench: Bench) -> None:
    """A socket at the number that is asked for, with /dev/null before it; nothing of it stays here."""
    heard = bench.posix.sockets.bind("unix-datagram:@notify")
    before = len(bench.posix.process.descriptors)
    process = bench.begin(LAUNCH._replace(ready=5, notify="@notify"))
    assert sorted(process.descriptors) == [0, 1, 2, 3, 4, 5]
    assert process.descriptors[3].opened is process.descriptors[4].opened is process.descriptors[0].opened
    assert len(bench.posix.process.descriptors) == before + 2
    bench.posix.files.close(heard)


def test_own_variables_of_listening_are_dropped(bench: Bench) -> None:
    """LISTEN_FDS of the manager's does not reach a service without sockets, nor does another mark."""
    environment = {"LISTEN_FDS": "3", "LISTEN_PORT": "b", "SNOWFOX_LAUNCH": "x"}
    process = bench.begin(LAUNCH._replace(environment=environment))
    assert process.environment == {"SNOWFOX_LAUNCH": TOKEN, "LISTEN_PORT": "b"}


def test_sockets(bench: Bench) -> None:
    """Sockets are passed by key and named in the record."""
    bench.ports.open("front=127.0.0.1:8080", 10, [])
    process = bench.begin(LAUNCH._replace(sockets=["front=127.0.0.1:8080"], socket_names=["front"]))
    assert sorted(process.descriptors) == [0, 1, 2, 3]
    assert process.environment["LISTEN_FDNAMES"] == "front"
    assert process.environment["LISTEN_PID"] == str(process.pid)
    record = bench.record()
    assert record is not None
    assert record.sockets == ("front=127.0.0.1:8080",)


def test_without_output(bench: Bench) -> None:
    """Output that is not wanted goes to /dev/null; no FIFO is made."""
    bench.begin(LAUNCH._replace(output=False))
    assert bench.names() == [TOKEN]
    assert bench.held.streams(TOKEN) == (None, None)


def test_output_belongs_to_the_service(bench: Bench) -> None:
    """The FIFO is the service's, and readable for the manager's group."""
    bench.begin()
    found = bench.posix.files.stat(f"/srv/shop/.snowfox/run/launches/{TOKEN}.out")
    assert (found.uid, found.gid, found.mode & 0o777) == (1000, 61184, 0o640)


def test_steps_of_the_launcher(bench: Bench) -> None:
    """Its failing step is the error, with what it was done to."""
    error = failure(bench, LAUNCH._replace(folder="/srv/x"))
    assert str(error) == "cannot launch web: change to folder /srv/x: no such file or directory (ENOENT)"
    error = failure(bench, LAUNCH._replace(program="/usr/bin/gone"))
    assert (error.step, error.object, error.errno) == ("execute", "/usr/bin/gone", errno.ENOENT)
    assert "no such program" in error.hint


@pytest.mark.parametrize(
    ("call", "number", "text"),
    [
        ("folders.make_fifo", errno.ENOSPC, "make FIFO"),
        ("files.pipe", errno.EMFILE, "make a pipe"),
        ("processes.spawn", errno.EAGAIN, "make a process: resource temporarily unavailable (EAGAIN)"),
        ("processes.spawn", errno.E2BIG, "execute /usr/bin/web: argument list too long (E2BIG)"),
        ("processes.spawn", errno.ENOMEM, "make a process: cannot allocate memory (ENOMEM)"),
        ("folders.own", errno.EPERM, "change owner of"),
    ],
)
def test_steps_of_ours(bench: Bench, call: str, number: int, text: str) -> None:
    """A step of ours that fails is named in the same way, and leaves nothing."""
    bench.kernel.fail(call, number, process=bench.posix.process.pid)
    assert text in str(failure(bench))


def test_unknown_socket(bench: Bench) -> None:
    """A socket that is not open is the failing step."""
    error = failure(bench, LAUNCH._replace(sockets=["a=1"], socket_names=["a"]))
    assert str(error) == "cannot launch web: find socket a=1: no such file or directory (ENOENT)"


def test_launcher_killed_before_it_wrote(bench: Bench) -> None:
    """A launcher that dies without a word launched nothing."""
    bench.kernel.install(
        "/usr/lib/snowfox/launcher", lambda process: bench.kernel.end(process.pid, Exit(None, 9))
    )
    assert failure(bench).step == "start the launcher"


def test_execution_before_the_end(bench: Bench) -> None:
    """A program that ends at once was executed first."""
    bench.kernel.install("/usr/bin/web", lambda process: bench.kernel.end(process.pid, Exit(3)))
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    events = [type(event) for event in (*bench.said(), *bench.turn(), *bench.turn())]
    assert events == [Begun, Executed, Ended]


def test_no_descriptor_left_for_the_pidfd(bench: Bench) -> None:
    """The pidfd is never what fails: one descriptor is spared for it."""
    bench.kernel.fail("processes.open", errno.EMFILE, times=1)
    bench.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    assert handle.pidfd >= 0


def test_process_without_pidfd_is_killed(bench: Bench) -> None:
    """A process that cannot be watched may not stay."""
    bench.kernel.fail("processes.open", errno.ENFILE)
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    (event,) = bench.said()
    assert isinstance(event, NotLaunched)
    assert bench.names() == []
    (child,) = [one for one in bench.kernel.processes.values() if one.parent == bench.posix.process.pid]
    assert child.exit == Exit(None, SIGKILL)
