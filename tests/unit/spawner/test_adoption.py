"""The way back, on the fake kernel."""

from __future__ import annotations

import os

import pytest

from snowfox.contract.record import Started, exit_line, launched_line
from snowfox.spawner.events import Event, Executed, Found, FoundUnderWay, NeverLaunched
from snowfox.testing.kernel import FakePosix
from snowfox.testing.launches import LAUNCH, RUN, SHOP, TOKEN, Bench, host
from snowfox.values import UNKNOWN_EXIT, Exit


def succeed(bench: Bench) -> tuple[Bench, list[Event]]:
    """The next spawner, and what it found."""
    if bench.posix.process.exit is None:
        bench.die()
    successor = Bench(bench.kernel, bench.daemon)
    successor.adoption.begin()
    return successor, successor.said()


def rewrite(bench: Bench, content: bytes) -> None:
    """Replace what is in the record."""
    posix = FakePosix(bench.kernel)
    opened = posix.files.open(f"{RUN}/launches/{TOKEN}", os.O_WRONLY | os.O_TRUNC)
    posix.files.write(opened, content)
    posix.files.close(opened)


def started(bench: Bench) -> Started:
    """What the record says of the process."""
    record = bench.record()
    assert record is not None
    assert record.started is not None
    return record.started


def test_running_process_is_adopted(bench: Bench) -> None:
    """Same pid, same start, its output readable again, and it can be signalled."""
    process = bench.begin()
    at = started(bench).at
    successor, events = succeed(bench)
    assert events == [Found(TOKEN, process.pid, at)]
    assert successor.held.streams(TOKEN)[0] is not None
    assert successor.leftovers.signal(TOKEN, 15)
    assert process.signals == ["TERM"]


def test_twice_in_a_row(bench: Bench) -> None:
    """A successor of the successor finds the same."""
    bench.begin()
    first, found = succeed(bench)
    assert succeed(first)[1] == found


def test_ended_while_nobody_looked(bench: Bench) -> None:
    """Reaped by somebody who wrote nothing: unknown, and written down as that."""
    process = bench.begin()
    bench.die()
    bench.kernel.end(process.pid, Exit(0))
    bench.reap_orphan(process.pid)
    successor, (event,) = succeed(bench)
    assert isinstance(event, Found)
    assert event.exit == UNKNOWN_EXIT
    record = successor.record()
    assert record is not None
    assert record.exit == UNKNOWN_EXIT


def test_exit_in_the_record(bench: Bench) -> None:
    """An exit that was written down is told as it was."""
    process = bench.begin()
    at = started(bench)
    bench.die()
    bench.kernel.end(process.pid, Exit(7))
    rewrite(bench, launched_line(at) + exit_line(Exit(7), 55))
    bench.reap_orphan(process.pid)
    assert succeed(bench)[1] == [Found(TOKEN, process.pid, at.at, Exit(7), 55)]


@pytest.mark.parametrize("change", [{"boot": "another"}, {"namespace": 1}])
def test_other_world(bench: Bench, change: dict[str, object]) -> None:
    """After a reboot, or in another pid namespace, the same number is another process."""
    process = bench.begin()
    rewrite(bench, launched_line(started(bench)._replace(**change)))
    successor, (event,) = succeed(bench)
    assert isinstance(event, Found)
    assert event.exit == UNKNOWN_EXIT
    assert not successor.leftovers.signal(TOKEN, 15)
    assert process.signals == []


def test_pid_used_again(bench: Bench) -> None:
    """A process that began after the record was written is a stranger, and left alone."""
    process = bench.begin()
    rewrite(bench, launched_line(started(bench)._replace(at=process.started - 1)))
    successor, (event,) = succeed(bench)
    assert isinstance(event, Found)
    assert event.exit == UNKNOWN_EXIT
    assert not successor.leftovers.kill(TOKEN)
    assert process.signals == []


def test_never_launched(bench: Bench) -> None:
    """An empty record, or one of a failed step, is dropped without a word."""
    bench.begin()
    rewrite(bench, b"")
    successor, events = succeed(bench)
    assert events == []
    assert successor.names() == []
    successor.begin()
    rewrite(successor, b"failed execute\t/x\t2\n")
    assert succeed(successor)[1] == []


def test_child_under_way(bench: Bench) -> None:
    """A child that has not executed its program holds the lock; it is adopted when it has."""
    bench.kernel.install("/usr/lib/snowfox/launcher")  # one that does nothing yet
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    successor, events = succeed(bench)
    assert events == [FoundUnderWay(TOKEN)]
    successor.adoption.look_again()
    assert successor.said() == []
    assert successor.adoption.wants_look
    child = FakePosix(bench.kernel, pid=handle.pid)
    child.files.write(
        3, launched_line(Started(handle.pid, child.own.uptime(), child.own.boot(), child.own.pid_namespace()))
    )
    child.files.close(3)
    successor.adoption.look_again()
    (event,) = successor.said()
    assert isinstance(event, Found)
    assert event.exit is None
    assert not successor.adoption.wants_look


def test_child_under_way_that_fails(bench: Bench) -> None:
    """A child under way that comes to nothing leaves nothing."""
    bench.kernel.install("/usr/lib/snowfox/launcher")
    bench.launching.begin(LAUNCH, SHOP)
    bench.launching.settle()
    handle = bench.held.get(TOKEN)
    assert handle is not None
    successor, _ = succeed(bench)
    bench.kernel.end(handle.pid, Exit(127))
    successor.adoption.look_again()
    assert successor.said() == [NeverLaunched(TOKEN)]
    assert successor.names() == []


def test_strangers_in_the_folder(bench: Bench) -> None:
    """What is no record is not touched; a FIFO without its record is removed."""
    bench.kernel.write(f"{RUN}/launches/README", b"")
    bench.kernel.write(f"{RUN}/launches/{TOKEN}.out", b"")
    successor, events = succeed(bench)
    assert events == []
    assert successor.names() == ["README"]


def test_record_is_read_twice_around_a_reap() -> None:
    """An exit that the daemon writes between our look at the record and at the process is not lost."""
    kernel, daemon = host()
    first = Bench(kernel, daemon)
    process = first.begin()
    at = started(first)
    first.die()
    kernel.end(process.pid, Exit(6))
    second = Bench(kernel, daemon)
    reads = second.records.settled

    def settled(token: str) -> object:
        record = reads(token)
        rewrite(second, launched_line(at) + exit_line(Exit(6), 1))
        second.reap_orphan(process.pid)
        return record

    second.records.settled = settled  # type: ignore[method-assign, assignment]
    second.adoption.begin()
    (event,) = second.said()
    assert isinstance(event, Found)
    assert event.exit == Exit(6)


def test_after_adoption_new_launches_work(bench: Bench) -> None:
    """A successor launches as its predecessor did."""
    bench.begin()
    successor, _ = succeed(bench)
    successor.launching.begin(LAUNCH._replace(token=TOKEN.replace("web", "other")), SHOP)
    successor.launching.settle()
    assert Executed in [type(event) for event in (*successor.said(), *successor.turn())]
