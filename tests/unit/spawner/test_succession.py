"""Another main process than the one that was launched, on the fake kernel."""

from __future__ import annotations

import errno

import pytest

from snowfox.contract.record import Main, exit_line, groups_line, launched_line
from snowfox.errors import HostError
from snowfox.spawner.events import Ended, Event, ExitKnown, Followed, Found, Left
from snowfox.testing.kernel.process import FakeProcess
from snowfox.testing.launches import LAUNCH, RUN, TOKEN, Bench, host
from snowfox.values import UNKNOWN_EXIT, Exit

HEARD = LAUNCH._replace(environment={"NOTIFY_SOCKET": "@x"})


def made(bench: Bench, by: FakeProcess, *, leaves: bool = False) -> FakeProcess:
    """A process that another one made, perhaps in a session of its own."""
    bench.kernel.pass_time(1.0)
    child = bench.kernel.begin(parent=by.pid, ids=by.ids)
    child.session, child.group = (child.pid, child.pid) if leaves else (by.session, by.group)
    child.started = bench.kernel.clock.boot()
    return child


def main(bench: Bench) -> int:
    """Who is followed."""
    handle = bench.held.get(TOKEN)
    assert handle is not None
    return handle.main


def ends(bench: Bench, process: FakeProcess, exit: Exit) -> list[Event]:
    """A process ends; what is said of the launch, once its exit was looked for."""
    bench.kernel.end(process.pid, exit)
    said = bench.turn()
    if Ended(TOKEN) in said:
        bench.exits.find(TOKEN, None)
    return [event for event in said + bench.said() if not isinstance(event, Ended)]


@pytest.mark.parametrize("leaves", [False, True])
def test_it_is_the_main_process(bench: Bench, leaves: bool) -> None:
    """It gets the signals, the end of the first one is none, and its own is: unknown where the kernel does not tell."""
    bench.kernel.tells_exits = False
    first = bench.begin()
    second = made(bench, first, leaves=leaves)
    assert bench.succession.follow(TOKEN, second.pid)
    assert bench.leftovers.signal(TOKEN, 10)
    assert (first.signals, second.signals) == ([], ["USR1"])
    assert ends(bench, first, Exit(0)) == []
    said = ends(bench, second, Exit(4))
    while bench.exits.wants_look:
        bench.exits.look_again()
        said += bench.said()
    assert [event.exit for event in said if isinstance(event, ExitKnown)] == [UNKNOWN_EXIT]
    bench.held.forget(TOKEN)
    assert first.is_reaped
    assert bench.names() == []


def test_the_record_tells_it(bench: Bench) -> None:
    """Whoever comes later follows it too, and what it is launched as stays."""
    first = bench.begin()
    second = made(bench, first)
    bench.succession.follow(TOKEN, second.pid)
    record = bench.record()
    assert record is not None
    assert record.main == Main(second.pid, bench.kernel.clock.boot())
    assert record.started is not None
    assert record.started.pid == first.pid


def test_once_more_is_fine(bench: Bench) -> None:
    """Nothing is opened or written for one that is followed already."""
    first = bench.begin()
    descriptors = len(bench.posix.process.descriptors)
    for _ in range(3):
        assert bench.succession.follow(TOKEN, first.pid)
    record = bench.record()
    assert record is not None
    assert record.followed is None
    assert len(bench.posix.process.descriptors) == descriptors


def stranger(bench: Bench) -> int:
    """Of nobody's."""
    other = bench.kernel.begin(parent=1, ids=bench.posix.process.ids)
    other.session = other.group = other.pid
    return other.pid


def older(bench: Bench) -> int:
    """It has the mark, and was there before the launch."""
    pid = stranger(bench)
    bench.kernel.process(pid).started = 0
    bench.kernel.write(f"/proc/{pid}/environ", f"SNOWFOX_LAUNCH={TOKEN}\0".encode())
    return pid


def zombie(bench: Bench) -> int:
    """Of the launch, and over."""
    handle = bench.held.get(TOKEN)
    assert handle is not None
    child = made(bench, bench.kernel.process(handle.pid))
    bench.kernel.end(child.pid, Exit(0))
    return child.pid


@pytest.mark.parametrize("whose", [stranger, older, zombie, lambda _: 4711, lambda _: 1])
def test_who_is_not_followed(bench: Bench, whose) -> None:
    """A stranger, a process that is gone, one that has ended: nothing changes, and no descriptor stays."""
    first = bench.begin()
    bench.kernel.pass_time(1.0)
    pid = whose(bench)
    descriptors = len(bench.posix.process.descriptors)
    with pytest.raises(HostError, match=f"cannot follow process {pid} as the main process of web: "):
        bench.succession.follow(TOKEN, pid)
    assert main(bench) == first.pid
    assert len(bench.posix.process.descriptors) == descriptors
    assert bench.leftovers.signal(TOKEN, 10)
    assert first.signals == ["USR1"]


def test_a_number_that_is_used_again_meanwhile(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked at may be another process than was opened: that is noticed."""
    first = bench.begin()
    second = made(bench, first)

    def owns(_token: str, pid: int) -> bool:
        bench.kernel.end(pid, Exit(0))
        bench.kernel.reap(second)
        return True

    monkeypatch.setattr(bench.leftovers, "owns", owns)
    with pytest.raises(HostError, match="it has ended"):
        bench.succession.follow(TOKEN, second.pid)
    assert main(bench) == first.pid


def test_who_left_and_has_the_mark(bench: Bench) -> None:
    """A daemon of the old kind: its parent is gone, its session its own, its environment the launch's."""
    bench.begin()
    pid = stranger(bench)
    bench.kernel.write(f"/proc/{pid}/environ", f"SNOWFOX_LAUNCH={TOKEN}\0".encode())
    assert bench.succession.follow(TOKEN, pid)
    assert main(bench) == pid


def test_with_groups_only_these_count(bench: Bench) -> None:
    """Who is in the launch's group, or in one that it made below; not who has the mark."""
    bench.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    handle.groups, handle.had_groups = ("/cg/web",), True
    ours, below, other = stranger(bench), stranger(bench), stranger(bench)
    bench.kernel.write("/cg/web/cgroup.procs", f"{ours}\n".encode())
    bench.kernel.write("/cg/web/own/cgroup.procs", f"{below}\n".encode())
    bench.kernel.write(f"/proc/{other}/environ", f"SNOWFOX_LAUNCH={TOKEN}\0".encode())
    with pytest.raises(HostError, match="it is none of its processes"):
        bench.succession.follow(TOKEN, other)
    for pid in (ours, below):
        bench.succession.follow(TOKEN, pid)
        assert main(bench) == pid


def test_a_full_disk(bench: Bench) -> None:
    """It is followed as long as this spawner lives."""
    second = made(bench, bench.begin())
    bench.kernel.fail("files.write", errno.ENOSPC, process=bench.posix.process.pid)
    bench.succession.follow(TOKEN, second.pid)
    assert main(bench) == second.pid


@pytest.mark.parametrize("exit", [Exit(0), Exit(3), Exit(None, 15)])
def test_who_ends_may_have_named_one(bench: Bench, exit: Exit) -> None:
    """Its end is not told before it is known that it named none; what is left of it lives until then."""
    first = bench.begin(HEARD)
    second = made(bench, first)
    assert ends(bench, first, exit) == [Left(TOKEN)]
    bench.succession.follow(TOKEN, second.pid)
    bench.exits.goes_on(TOKEN)
    bench.exits.bury(TOKEN)
    assert bench.said() == []
    record = bench.record()
    assert record is not None
    assert (record.exit, record.main and record.main.pid) == (None, second.pid)


def test_who_names_one_after_its_end_was_known(bench: Bench) -> None:
    """That one is not followed, though it may not have ended yet: the exit that is written is the launch's."""
    first = bench.begin(HEARD)
    second = made(bench, first)
    ends(bench, first, Exit(None, 9))
    with pytest.raises(HostError, match="it has ended"):
        bench.succession.follow(TOKEN, second.pid)
    record = bench.record()
    assert record is not None
    assert (record.exit, record.followed) == (Exit(None, 9), None)


def test_who_named_none(bench: Bench) -> None:
    """Its end is told, and its exit is in the record."""
    assert ends(bench, bench.begin(HEARD), Exit(3)) == [Left(TOKEN)]
    bench.exits.bury(TOKEN)
    assert [event.exit for event in bench.said() if isinstance(event, ExitKnown)] == [Exit(3)]
    record = bench.record()
    assert record is not None
    assert record.exit == Exit(3)


def test_who_cannot_have_named_one(bench: Bench) -> None:
    """Who was killed (SIGKILL), whom nobody hears, who is alone in its group: the end is told at once."""
    (known,) = ends(bench, bench.begin(HEARD), Exit(None, 9))
    assert isinstance(known, ExitKnown)
    bench.held.forget(TOKEN)
    (known,) = ends(bench, bench.begin(), Exit(0))
    assert isinstance(known, ExitKnown)
    bench.held.forget(TOKEN)
    process = bench.begin(HEARD)
    handle = bench.held.get(TOKEN)
    assert handle is not None
    handle.groups, handle.had_groups = ("/cg/web",), True
    (known,) = ends(bench, process, Exit(0))
    assert isinstance(known, ExitKnown)


def test_the_first_one_does_not_outlive_the_last(bench: Bench) -> None:
    """Without groups it is killed, and its end awaited: nothing starts beside it, and it is reaped."""
    first = bench.begin()
    second = made(bench, first, leaves=True)
    bench.succession.follow(TOKEN, second.pid)
    bench.kernel.end(second.pid, Exit(0))
    bench.kernel.reap(second)
    assert bench.turn() == [Ended(TOKEN)]
    bench.exits.find(TOKEN, None)
    assert bench.said() == []
    assert first.exit == Exit(None, 9)
    assert bench.exits.wants_end
    bench.exits.look_for_end()
    assert [event.exit for event in bench.said() if isinstance(event, ExitKnown)] == [Exit(0)]
    bench.held.forget(TOKEN)
    assert first.is_reaped


def test_kill_ends_its_session_too(bench: Bench) -> None:
    """And that of the one that was launched; a stranger is left alone."""
    first = bench.begin()
    second = made(bench, first, leaves=True)
    worker, helper = made(bench, second), made(bench, first)
    worker.group = helper.group = 1
    other = bench.kernel.process(stranger(bench))
    bench.succession.follow(TOKEN, second.pid)
    assert bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert {one.exit for one in (first, second, worker, helper)} == {Exit(None, 9)}
    assert other.exit is None


def succeeded(*, tells_exits: bool = True) -> tuple[Bench, FakeProcess, FakeProcess]:
    """A next spawner, after one that followed another process; both processes are the daemon's children."""
    kernel, daemon = host()
    kernel.tells_exits = tells_exits
    before = Bench(kernel, daemon)
    first = before.begin()
    second = made(before, first, leaves=True)
    before.succession.follow(TOKEN, second.pid)
    second.parent = daemon.process.pid
    before.die()
    bench = Bench(kernel, daemon)
    bench.adoption.begin()
    return bench, first, second


def test_the_next_spawner_follows_it() -> None:
    """The first one's end means nothing to it; the other's is told as the daemon wrote it."""
    bench, first, second = succeeded(tells_exits=False)
    handle = bench.held.get(TOKEN)
    assert handle is not None
    assert bench.said() == [Found(TOKEN, second.pid, handle.started)]
    assert handle.session == second.pid
    bench.kernel.end(first.pid, Exit(0))
    bench.reap_orphan(first.pid)
    assert bench.turn() == []
    handle.speaks = False
    assert ends(bench, second, Exit(4)) == []
    opened = bench.daemon.files.open(f"{RUN}/launches/{TOKEN}", 0o2001)
    bench.daemon.files.write(opened, exit_line(Exit(4), 5))
    bench.daemon.files.close(opened)
    bench.reap_orphan(second.pid)
    bench.exits.look_again()
    assert [event.exit for event in bench.said() if isinstance(event, ExitKnown)] == [Exit(4)]


def test_the_next_spawner_kills_all_of_it() -> None:
    """Also the first one, which is not its child."""
    bench, first, second = succeeded()
    assert bench.leftovers.kill(TOKEN)
    assert (first.exit, second.exit) == (Exit(None, 9), Exit(None, 9))


def test_a_number_of_before_that_is_anothers() -> None:
    """What has the number of the first one, once the daemon reaped that, is left alone and not followed."""
    bench, first, _ = succeeded()
    bench.kernel.end(first.pid, Exit(0))
    bench.reap_orphan(first.pid)
    bench.kernel.pass_time(1.0)
    other = bench.kernel.begin(parent=1, ids=first.ids)
    del bench.kernel.processes[other.pid]
    other.pid = other.session = other.group = first.pid
    other.started = bench.kernel.clock.boot()
    bench.kernel.processes[other.pid] = other
    with pytest.raises(HostError, match="it is none of its processes"):
        bench.succession.follow(TOKEN, other.pid)
    bench.leftovers.kill(TOKEN)
    bench.leftovers.sweep()
    assert other.exit is None


def test_the_daemon_told_of_the_one_before() -> None:
    """It reaped the first one when it did not know of the other: that goes on, whatever it wrote, and where nobody can write."""
    bench, _, second = succeeded()
    bench.said()
    bench.records.write_exit(TOKEN, Exit(0), 5)
    bench.kernel.fail("files.write", errno.ENOSPC, process=bench.posix.process.pid, times=1)
    for _ in range(2):
        bench.exits.find(TOKEN, Exit(0))
        assert bench.said() == [Followed(TOKEN, second.pid)]
    record = bench.record()
    assert record is not None
    assert (record.exit, record.main and record.main.pid) == (None, second.pid)


def test_it_named_one_while_there_was_no_spawner() -> None:
    """It ended, the daemon wrote that down, and others are in its group: it is asked about, and they live."""
    kernel, daemon = host()
    before = Bench(kernel, daemon)
    first = before.begin()
    second = made(before, first, leaves=True)
    record = before.records.read(TOKEN)
    lines = groups_line(("/cg/web",)) + launched_line(record.started) if record.started else b""
    kernel.write(f"{RUN}/launches/{TOKEN}", lines + exit_line(Exit(0), 5), mode=0o600)
    kernel.write("/cg/web/cgroup.procs", f"{second.pid}\n".encode())
    before.die()
    kernel.end(first.pid, Exit(0))
    bench = Bench(kernel, daemon)
    bench.reap_orphan(first.pid)
    bench.adoption.begin()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    assert bench.said() == [Found(TOKEN, first.pid, handle.started), Ended(TOKEN)]
    bench.exits.find(TOKEN, None)
    assert bench.said() == [Left(TOKEN)]
    bench.succession.follow(TOKEN, second.pid)
    bench.exits.goes_on(TOKEN)
    assert second.exit is None
    now = bench.record()
    assert now is not None
    assert (now.exit, now.main and now.main.pid) == (None, second.pid)
